/** The same as `who`, by a session: it is the one that it has said. */
import { answer, hooks, user } from './who.mjs';

const clients = new Set();

/** Sends to all other clients until they are closed for it: with the callbacks of this session. */
function flood(client) {
  const bytes = Buffer.alloc(2 ** 20);
  for (const other of clients) {
    if (other === client) continue;
    for (let time = 0; time < 16; time++) void other.send(bytes);
  }
}

export default {
  ...hooks,
  open: undefined,
  async session(client) {
    clients.add(client);
    for await (const line of client) {
      if (`${line}` === 'flood') user.run('flooder', () => flood(client));
      await client.send(`${line}` === 'flood' ? 'flooded' : await answer(line));
    }
  },
};
