/** What `awaiting` does, in a session. */
import { answer } from './awaiting.mjs';

export default {
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    for await (const line of client) await client.send(await answer(line));
  },
};
