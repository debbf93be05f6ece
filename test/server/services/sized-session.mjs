/** The same as `sized`, by a session. */
import sized from './sized.mjs';

export default {
  framing: 'line',
  async session(client) {
    for await (const message of client) await client.send(sized.message(message));
  },
};
