/** Sends blocks from one piece of memory, which it fills anew as soon as `send` has settled. A message says how long and how many. */
import { defineService } from 'heddle';

export default defineService({
  async session(client) {
    const [size, count] = String(await client.receive())
      .split(' ')
      .map(Number);
    const block = Buffer.alloc(size);
    for (let index = 0; index < count; index++) await client.send(block.fill(index % 251));
    block.fill(255);
  },
});
