/** The same in a session. */
import { framing } from './own-framing.mjs';

export default {
  framing,
  async session(client) {
    for await (const text of client) await client.send(text.toUpperCase());
  },
};
