/**
 * The text protocol of memcached: a line, and for `set` a value of as many bytes as the line says. Values belong to the
 * thread, so there is to be one thread.
 *
 *     npx heddle serve examples/memcached.ts --threads 1 --port 12345
 *     memccp --servers=127.0.0.1:12345 README.md && memccat --servers=127.0.0.1:12345 README.md
 */
import { type Client, defineService } from 'heddle';

interface Value {
  readonly flags: string;
  readonly bytes: Buffer;
}

const MAX_VALUE_BYTES = 1024 * 1024;
const LINE_END = '\r\n';

const values = new Map<string, Value>();

export default defineService({
  framing: { line: 'crlf' },
  encoding: 'utf8',
  async session(client) {
    for await (const line of client) {
      const [command, ...words] = line.split(' ');
      if (command === 'set') await set(client, words);
      else if (command === 'get' || command === 'gets') await get(client, words);
      else if (command === 'delete') await client.send(values.delete(words[0] ?? '') ? 'DELETED' : 'NOT_FOUND');
      else if (command === 'version') await client.send('VERSION 1.6.0');
      else if (command === 'quit') return;
      else await client.send('ERROR');
    }
  },
});

async function set(client: Client<string>, [key = '', flags = '0', , length = '']: readonly string[]): Promise<void> {
  if (!/^\d{1,9}$/.test(length)) return client.send('CLIENT_ERROR bad data chunk');
  const isTooLarge = Number(length) > MAX_VALUE_BYTES;
  const pieces: Buffer[] = [];
  for await (const piece of client.body(Number(length) + LINE_END.length)) if (!isTooLarge) pieces.push(piece);
  if (isTooLarge) return client.send('SERVER_ERROR object too large for cache');
  const bytes = Buffer.concat(pieces);
  if (!bytes.subarray(-2).equals(Buffer.from(LINE_END))) return client.send('CLIENT_ERROR bad data chunk');
  values.set(key, { flags, bytes: bytes.subarray(0, -2) });
  return client.send('STORED');
}

async function get(client: Client<string>, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const value = values.get(key);
    if (value === undefined) continue;
    await client.send(`VALUE ${key} ${value.flags} ${value.bytes.length}`);
    await client.sendAll([value.bytes, Buffer.from(LINE_END)]);
  }
  await client.send('END');
}
