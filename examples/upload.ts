/**
 * Takes uploads of any length: a line `put LENGTH`, then that many bytes, which are never in memory all at once. Answers with their
 * SHA-256. `get LENGTH` sends that many bytes.
 *
 *     npx heddle serve examples/upload.ts --port 12345
 *     (echo put 5; printf hello) | nc -N 127.0.0.1 12345
 */
import { createHash } from 'node:crypto';
import { defineService } from 'heddle';

export default defineService({
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    for await (const line of client) {
      const [command, length] = line.split(' ');
      if (command === 'put') await client.send(await hashOf(client.body(Number(length))));
      else if (command === 'get') await client.sendAll(zeros(Number(length)));
      else await client.send('put LENGTH or get LENGTH');
    }
  },
});

async function hashOf(body: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of body) hash.update(piece);
  return hash.digest('hex');
}

function* zeros(length: number): Generator<Uint8Array> {
  const piece = new Uint8Array(64 * 1024);
  for (let left = length; left > 0; left -= piece.length) yield piece.subarray(0, left);
}
