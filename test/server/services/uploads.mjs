/**
 * A session of lines that reads and sends bytes without them: `body N` is answered with the number and the SHA-256 of the N bytes that
 * follow, `some N` stops after the first piece of them, `until MARK` (as JSON) with what comes before the mark, `read N` with the next bytes, up
 * to N, `send N` with N bytes in pieces, `packets` with messages behind their length from then on.
 */
import { createHash } from 'node:crypto';
import { defineService } from 'heddle';

function* pieces(length) {
  for (let left = length; left > 0; left -= 50_000) yield Buffer.alloc(Math.min(left, 50_000), 'abcdefg');
}

async function answer(client, command, rest) {
  const count = Number(rest);
  if (command === 'read') return `${await client.read(count)}`;
  if (command === 'until') return `${await client.readUntil(JSON.parse(rest))}`;
  if (command === 'packets') client.framing = 'packets';
  if (command === 'send') return void (await client.sendAll(pieces(count)));
  if (command === 'some') {
    for await (const piece of client.body(count)) return `${piece.length > 0}`;
  }
  if (command !== 'body') return command;
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of client.body(count)) {
    hash.update(piece);
    length += piece.length;
  }
  return `${length} ${hash.digest('hex')}`;
}

export default defineService({
  framing: 'line',
  framings: { packets: { length: 2 } },
  async session(client) {
    for await (const line of client) {
      const [, command, rest] = /^(\S+) ?(.*)$/.exec(line.toString());
      const reply = await answer(client, command, rest);
      if (reply !== undefined) await client.send(reply);
    }
  },
});
