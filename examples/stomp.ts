/**
 * A STOMP 1.2 broker: a frame is a head of lines, a blank line, and a body. The head may say how long the body is; a NUL ends the
 * frame. Destinations are in a variable, so the service needs one thread.
 *
 *     npx heddle serve examples/stomp.ts --port 12345
 *     stomp -H 127.0.0.1 -P 12345 -L /topic/weather
 *
 * `stomp` comes with stomp.py: type `send /topic/weather it rains`.
 */
import { type Client, type Decoded, defineService } from 'heddle';

interface Frame {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type StompClient = Client<Frame, Frame>;

const [LINE_FEED, CARRIAGE_RETURN, NUL] = [10, 13, 0];

/** For each destination, its subscribers, with the names that they gave to their subscriptions. */
const destinations = new Map<string, Map<StompClient, string>>();
let published = 0;

export default defineService({
  needs: { threads: 1 },
  framing: {
    decode(arrived: Uint8Array): Decoded<Frame> {
      return frameIn(Buffer.from(arrived.buffer, arrived.byteOffset, arrived.length)); // The same memory.
    },
    encode: ({ command, headers, body }: Frame) => {
      const lines = Object.entries({ ...headers, 'content-length': body.length }).map(
        ([name, value]) => `${name}:${value}\n`,
      );
      return [Buffer.from(`${command}\n${lines.join('')}\n`), body, Buffer.of(NUL)];
    },
    refuse: (_why, text) => `ERROR\nmessage:${text}\n\n\0`,
  },
  async session(client: StompClient) {
    for await (const { command, headers, body } of client) {
      const { destination = '', id = '', receipt } = headers;
      if (command === 'CONNECT' || command === 'STOMP') await client.send(frame('CONNECTED', { version: '1.2' }));
      else if (command === 'SUBSCRIBE') subscribersOf(destination).set(client, id);
      else if (command === 'UNSUBSCRIBE') forget(client, id);
      else if (command === 'SEND') publish(destination, body);
      if (receipt !== undefined) await client.send(frame('RECEIPT', { 'receipt-id': receipt }));
      if (command === 'DISCONNECT') return;
    }
  },
  close: (client) => forget(client),
});

function frame(command: string, headers: Frame['headers'], body: Buffer = Buffer.alloc(0)): Frame {
  return { command, headers, body };
}

function subscribersOf(destination: string): Map<StompClient, string> {
  const subscribers = destinations.get(destination) ?? new Map();
  destinations.set(destination, subscribers);
  return subscribers;
}

/** Nobody waits for a subscriber that reads slowly: the server closes one for whom too much piles up (`maxUnsent`). */
function publish(destination: string, body: Buffer): void {
  for (const [subscriber, subscription] of destinations.get(destination) ?? []) {
    const message = frame('MESSAGE', { destination, subscription, 'message-id': `${++published}` }, body);
    subscriber.send(message).catch(() => {}); // It is leaving.
  }
}

/** Ends one subscription of `client`, or all. */
function forget(client: StompClient, id?: string): void {
  for (const subscribers of destinations.values()) {
    if (id === undefined || subscribers.get(client) === id) subscribers.delete(client);
  }
}

function frameIn(bytes: Buffer): Decoded<Frame> {
  if (bytes[0] === LINE_FEED || bytes[0] === CARRIAGE_RETURN) return { length: 1 }; // Between frames: a heart-beat.
  const [head, blank] = /^[^]*?(\r?\n\r?\n)/.exec(bytes.toString('latin1')) ?? [];
  if (head === undefined || blank === undefined) return undefined;
  const [command = '', ...lines] = bytes.toString('utf8', 0, head.length - blank.length).split(/\r?\n/);
  const headers = Object.fromEntries(lines.map((line) => line.split(/:(.*)/, 2)).reverse()); // The first of a name counts.
  const end = endOf(bytes, head.length, headers['content-length']);
  if (typeof end !== 'number') return end;
  return { message: { command, headers, body: Buffer.from(bytes.subarray(head.length, end)) }, length: end + 1 };
}

/** Where the body ends that begins at `from`. */
function endOf(bytes: Buffer, from: number, length: string | undefined): number | Decoded<never> {
  if (length === undefined) {
    const end = bytes.indexOf(NUL, from);
    return end === -1 ? undefined : end;
  }
  if (!/^\d{1,9}$/.test(length)) throw new Error('content-length is no length');
  const end = from + Number(length);
  if (bytes.length <= end) return { need: end + 1 };
  if (bytes[end] !== NUL) throw new Error('there is no NUL behind the body');
  return end;
}
