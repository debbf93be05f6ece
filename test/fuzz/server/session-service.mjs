/** Answers a client from its beginning to its end, always from the same memory, which it has back after each `send`. */
import { defineService } from 'heddle';
import { read, replyOf } from './words.mjs';
import { work } from './work.mjs';

export default defineService({
  async session(client) {
    let memory = Buffer.alloc(0);
    for await (const message of client) {
      const { way, wants, nonce } = read(message);
      await work(way);
      const reply = replyOf(nonce, wants);
      if (reply.length > memory.length) memory = Buffer.alloc(reply.length);
      memory.set(reply);
      await client.send(memory.subarray(0, reply.length));
    }
  },
});
