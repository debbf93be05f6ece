/**
 * An MQTT broker with `aedes`. Each thread has a broker of its own, so there is to be one thread.
 *
 *     npx heddle serve examples/mqtt-broker.ts --threads 1 --port 12345
 *     mosquitto_sub -p 12345 -t weather &
 *     mosquitto_pub -p 12345 -t weather -m 'it rains'
 */
import { Aedes } from 'aedes';
import { defineService } from 'heddle';

const broker = await Aedes.createBroker();

export default defineService({
  stream(socket, client) {
    client.leaving.addEventListener('abort', () => socket.end());
    broker.handle(socket);
  },
});
