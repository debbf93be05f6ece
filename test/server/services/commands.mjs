/** Does what a line says: `later 20 text`, `throw text`, … one way for each thing that a message handler can do; `hold` as a gate of `gate.ts` wants it. */
import { setTimeout as delay } from 'node:timers/promises';

const clients = new Map();
let gate;
const pause = new Int32Array(new SharedArrayBuffer(4));

const commands = {
  echo: (text) => text,
  bytes: () => Uint8Array.of(0, 1, 128, 255),
  none: () => undefined,
  empty: () => '',
  soon: async (text) => text,
  later: async (text) => {
    const [ms, ...words] = text.split(' ');
    await delay(Number(ms));
    return words.join(' ');
  },
  never: () => new Promise(() => {}),
  spin: () => {
    for (;;);
  },
  block: (text) => {
    Atomics.wait(pause, 0, 0, Number(text));
    return `blocked ${text}`;
  },
  hold: () => {
    Atomics.add(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
    return 'held';
  },
  number: () => 42,
  null: () => null,
  object: async () => ({}),
  throw: (text) => {
    throw new Error(text);
  },
  reject: async (text) => {
    await delay(1);
    throw new Error(text);
  },
  thrice: (text, client) => {
    void client.send(`${text} 1`);
    void client.send(`${text} 2`);
    return `${text} 3`;
  },
  close: (text, client) => {
    client.close();
    return text === '' ? undefined : text;
  },
  id: (_text, client) => {
    clients.set(client.id, client);
    return String(client.id);
  },
  who: (_text, client) => `${client.remoteAddress} ${client.remotePort}`,
  tell: async (text) => {
    const [id, ...words] = text.split(' ');
    try {
      await clients.get(Number(id)).send(words.join(' '));
      return 'sent';
    } catch (error) {
      return error.code;
    }
  },
  forget: (text) => {
    void clients.get(Number(text)).send('nobody awaits this');
    return 'forgotten';
  },
  drop: (text) => {
    clients.get(Number(text)).close();
    return 'dropped';
  },
  exit: (text) => process.exit(Number(text)),
  uncaught: (text) => {
    setTimeout(() => {
      throw new Error(text);
    });
    return 'it will';
  },
  unhandled: (text) => {
    void Promise.reject(new Error(text));
    return 'it will';
  },
  memory: () => {
    const kept = [];
    for (;;) kept.push(new Array(10_000).fill(kept.length));
  },
};

export default {
  framing: 'line',
  start({ shared }) {
    ({ gate } = shared);
  },
  message(message, client) {
    const [name, ...rest] = message.toString().split(' ');
    return commands[name](rest.join(' '), client);
  },
};
