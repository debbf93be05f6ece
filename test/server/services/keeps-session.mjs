/** The same as `keeps.mjs` in a session: `log in NAME`, then `who` is answered with NAME. */
import { defineService } from 'heddle';

export default defineService({
  framing: 'line',
  open(client) {
    client.state = { name: 'nobody', asked: 0 };
  },
  async session(client) {
    for await (const line of client) {
      const [command, , name] = line.toString().split(' ');
      if (command === 'log') client.state = { name, asked: 0 };
      else client.state = { ...client.state, asked: client.state.asked + 1 };
      await client.send(`${client.state.name} ${client.state.asked}`);
    }
  },
});
