/**
 * RESP, the protocol of Redis, with a framing of its own: PING, ECHO, SET, GET, DEL and INCR. What is set belongs to the
 * thread, so there is to be one thread.
 *
 *     npx heddle serve examples/redis.ts --threads 1 --port 12345
 *     redis-cli -p 12345 incr visits
 */
import { type Decoded, defineService } from 'heddle';

type Command = readonly string[];

const [STAR, DOLLAR] = [0x2a, 0x24];
const MAX_WORDS = 1024;
const MAX_WORD_BYTES = 512 * 1024;
const LONGEST_NUMBER = 16;

const values = new Map<string, string>();

export default defineService({
  framing: {
    decode(arrived: Uint8Array): Decoded<Command> {
      const bytes = Buffer.from(arrived.buffer, arrived.byteOffset, arrived.length); // The same memory.
      return bytes[0] === STAR ? commandIn(bytes) : inlineIn(bytes);
    },
    encode: (reply: string) => Buffer.from(reply, 'latin1'),
    refuse: (_why, text) => Buffer.from(`-ERR Protocol error: ${text}\r\n`),
  },
  message: (command: Command) => answer(command),
});

function answer([name = '', key = '', value = '']: Command): string {
  switch (name.toUpperCase()) {
    case 'PING':
      return key === '' ? '+PONG\r\n' : bulk(key);
    case 'ECHO':
      return bulk(key);
    case 'SET':
      values.set(key, value);
      return '+OK\r\n';
    case 'GET':
      return bulk(values.get(key));
    case 'DEL':
      return `:${Number(values.delete(key))}\r\n`;
    case 'INCR':
      return increment(key);
    default:
      return `-ERR unknown command '${name}'\r\n`;
  }
}

function increment(key: string): string {
  const next = Number(values.get(key) ?? 0) + 1;
  if (!Number.isSafeInteger(next)) return '-ERR value is not an integer or out of range\r\n';
  values.set(key, `${next}`);
  return `:${next}\r\n`;
}

function bulk(value: string | undefined): string {
  return value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`;
}

/** An array of strings, each with its length before it. Says how many bytes it needs as soon as that is known. */
function commandIn(bytes: Buffer): Decoded<Command> {
  const count = numberAt(bytes, 0, MAX_WORDS);
  if (count === undefined) return undefined;
  let { next } = count;
  const words: string[] = [];
  while (words.length < count.value) {
    if (next < bytes.length && bytes[next] !== DOLLAR) throw new Error("expected '$'");
    const length = numberAt(bytes, next, MAX_WORD_BYTES);
    if (length === undefined) return undefined;
    const end = length.next + length.value;
    if (bytes.length < end + 2) return { need: end + 2 };
    words.push(bytes.toString('latin1', length.next, end));
    next = end + 2;
  }
  return { message: words, length: next };
}

/** The number of a line that has one character before it; `undefined`: the line has not arrived. */
function numberAt(bytes: Buffer, at: number, most: number): { value: number; next: number } | undefined {
  const end = bytes.indexOf('\r\n', at + 1);
  if (end === -1 && bytes.length - at <= LONGEST_NUMBER) return undefined;
  const digits = bytes.toString('latin1', at + 1, end === -1 ? at + LONGEST_NUMBER : end);
  if (!/^\d{1,10}$/.test(digits) || Number(digits) > most) throw new Error('invalid length');
  return { value: Number(digits), next: end + 2 };
}

/** A line of words, as one types it. */
function inlineIn(bytes: Buffer): Decoded<Command> {
  const end = bytes.indexOf('\n');
  if (end === -1) return undefined;
  const words = bytes
    .toString('latin1', 0, end)
    .split(/\s+/)
    .filter((word) => word !== '');
  return words.length === 0 ? { length: end + 1 } : { message: words, length: end + 1 };
}
