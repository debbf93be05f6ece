// The reverse service with an async function for each client.
import { defineService } from 'heddle';

export default defineService({
  async session(client) {
    // oxlint-disable-next-line unicorn/no-array-reverse -- bytes that are ours, reversed where they are
    for await (const message of client) await client.send(message.reverse());
  },
});
