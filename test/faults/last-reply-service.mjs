/** Sends a long last reply, in pieces, and ends as the first line says: `return`, `close`, or `stay` until the server leaves. */
import { defineService } from 'heddle';

const PIECE = 'a'.repeat(99_999);
const PIECES = 30;

export default defineService({
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    const way = await client.receive();
    for (let piece = 0; piece < PIECES; piece++) await client.send(PIECE);
    if (way === 'close') client.close();
    if (way === 'stay') while ((await client.receive()) !== undefined);
  },
});
