/**
 * A talk with one person: local variables are the state, and the order of the lines is the order of the talk.
 *
 *     npx heddle serve examples/chat.ts --port 12345
 *     nc 127.0.0.1 12345
 */
import { defineService } from 'heddle';

export default defineService({
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    await client.send('What is your name?');
    const name = await client.receive();
    if (name === undefined) return;
    await client.send(`Hello, ${name}. Tell me something; "bye" ends it.`);
    let count = 0;
    for await (const line of client) {
      if (line === 'bye') break;
      await client.send(`${++count}: ${name} says ${line}`);
    }
    await client.send(`You said ${count} ${count === 1 ? 'thing' : 'things'}. Bye.`);
  },
});
