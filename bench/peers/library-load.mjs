// The load on a server of `ws` or `aedes`: clients that ask again once they are answered. All bytes are made beforehand, and every
// reply is compared. Words: KIND PORT. For each line `MS` of its input it runs so long, and prints what it did once all are answered.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const PAYLOAD = Buffer.alloc(100, 'x');
const WS_CLIENTS = 64;
const PUBLISHERS = 16;
const TOPIC = Buffer.from('bench');
const [kind, port] = process.argv.slice(2);

function fail(what) {
  console.error(`library-load ${kind}: ${what}`);
  process.exit(1);
}

const same = (got, expected) => {
  if (Buffer.compare(got, expected) !== 0) fail(`a reply is ${got.toString('hex')}, not ${expected.toString('hex')}`);
};

/** Calls `take` with each `size` bytes that arrive. */
function each(socket, size, take) {
  let rest = Buffer.alloc(0);
  return socket.on('data', (data) => {
    let all = rest.length === 0 ? data : Buffer.concat([rest, data]);
    for (; all.length >= size; all = all.subarray(size)) take(all.subarray(0, size));
    rest = all;
  });
}

/** Sends `hello` and resolves once `welcome` has come, which the server sends in one piece. */
async function ask(socket, hello, welcome) {
  socket.write(hello);
  same((await once(socket, 'data'))[0], welcome);
}

async function dial(hello, welcome) {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  socket.on('error', (error) => fail(error.message)).on('end', () => fail('the server closed a connection'));
  await once(socket, 'connect');
  await ask(socket, hello, welcome);
  return socket;
}

let isRunning = false;
let waiting = 0;
let messages = 0;
let rest = () => {};

/** One message has been answered: `again` sends the next one. */
function answered(again) {
  messages++;
  if (isRunning) again();
  else if (--waiting === 0) rest();
}

/** Resolves with functions that send one message each; all are called at the start of a run. */
async function webSockets() {
  const key = Buffer.alloc(16, 1).toString('base64');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const common = 'Upgrade: websocket\r\nConnection: Upgrade\r\n';
  const hello = `GET / HTTP/1.1\r\nHost: bench\r\n${common}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`;
  const welcome = Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${common}Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const mask = [0x12, 0x34, 0x56, 0x78];
  const masked = PAYLOAD.map((byte, index) => byte ^ mask[index % 4]);
  const request = Buffer.from([0x82, 0x80 | PAYLOAD.length, ...mask, ...masked]);
  const reply = Buffer.from([0x82, PAYLOAD.length, ...PAYLOAD]);
  return Promise.all(
    Array.from({ length: WS_CLIENTS }, async () => {
      const socket = await dial(hello, welcome);
      const send = () => socket.write(request);
      each(socket, reply.length, (got) => {
        same(got, reply);
        answered(send);
      });
      return send;
    }),
  );
}

const packet = (head, ...parts) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.from([head, body.length, ...body]);
};
const word = (text) => [0, text.length, ...Buffer.from(text)];

/** A session that does not outlast its connection, and that has no keep-alive time. */
const mqttClient = (name) => dial(packet(0x10, word('MQTT'), [4, 2, 0, 0], word(name)), Buffer.from([0x20, 2, 0, 0]));

async function mqttPublishers(qos) {
  const publish = (id) => packet(0x30 | (qos << 1), word(TOPIC), qos === 0 ? [] : id, PAYLOAD);
  const request = publish([0, 1]);
  const subscriber = await mqttClient('subscriber');
  await ask(subscriber, packet(0x82, [0, 1], word(TOPIC), [qos]), packet(0x90, [0, 1], [qos]));
  const sockets = await Promise.all(Array.from({ length: PUBLISHERS }, (_, index) => mqttClient(`publisher${index}`)));
  const senders = sockets.map((socket) => () => socket.write(request));
  const idAt = 2 + word(TOPIC).length;
  let next = 0;
  each(subscriber, request.length, (got) => {
    const id = got.subarray(idAt, idAt + 2);
    same(got, publish(id));
    if (qos === 1) subscriber.write(packet(0x40, id));
    // Without an acknowledgement, what the subscriber got lets the next publisher go on.
    else answered(senders[next++ % PUBLISHERS]);
  });
  const acknowledged = packet(0x40, [0, 1]);
  sockets.forEach((socket, index) => {
    each(socket, acknowledged.length, (got) => {
      same(got, acknowledged);
      answered(senders[index]);
    });
  });
  return senders;
}

const KINDS = { ws: webSockets, 'mqtt-qos-0': () => mqttPublishers(0), 'mqtt-qos-1': () => mqttPublishers(1) };
const senders = await (KINDS[kind] ?? (() => fail(`the kinds are ${Object.keys(KINDS).join(', ')}`)))();

for await (const line of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage();
  const start = performance.now();
  messages = 0;
  waiting = senders.length;
  isRunning = true;
  const resting = new Promise((resolve) => (rest = resolve));
  for (const send of senders) send();
  setTimeout(() => (isRunning = false), Number(line));
  await resting;
  const { user, system } = process.cpuUsage(before);
  const busy = (user + system) / 1_000 / (performance.now() - start);
  console.log(JSON.stringify({ messages, busy }));
}
process.exit();
