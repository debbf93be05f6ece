/** The same with a session for each client. */
import { answer } from './traced.mjs';

export default {
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    for await (const line of client) await client.send(await answer(line));
  },
};
