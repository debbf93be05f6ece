/** The same lines as `numbered.mjs`, for a session. */
import { defineService } from 'heddle';
import { numbered } from './numbering.mjs';

export default defineService({
  framing: numbered,
  async session(client) {
    for await (const text of client) await client.send(text);
  },
});
