/**
 * MQTT 3.1.1 packets by their length, which is a varint in byte 1. Takes what is published with QoS 0 and prints how long
 * each packet was. For a broker, see mqtt-broker.ts.
 *
 *     npx heddle serve examples/mqtt-sink.ts --port 12345
 *     mosquitto_pub -p 12345 -t weather -m 'it rains'
 */
import { defineService } from 'heddle';

const [CONNECT, PUBLISH, PINGREQ, DISCONNECT] = [1, 3, 12, 14];
const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const PINGRESP = Buffer.from([0xd0, 0]);

export default defineService({
  framing: { length: { at: 1, size: 'varint', message: 'frame' } },
  message(packet, client) {
    const kind = (packet[0] as number) >> 4;
    if (kind === CONNECT) return CONNACK;
    if (kind === PINGREQ) return PINGRESP;
    if (kind === PUBLISH) console.log(`published: a packet of ${packet.length} bytes`);
    else if (kind !== DISCONNECT) client.close();
    return undefined;
  },
});
