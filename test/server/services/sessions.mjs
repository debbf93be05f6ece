/** One session for each client: its first line names what the session does. */
import { setTimeout as delay } from 'node:timers/promises';

const ways = {
  async sum(client) {
    let sum = 0;
    for await (const line of client) sum += Number(line);
    await client.send(`sum ${sum}`);
  },
  async chat(client) {
    await client.send('name?');
    const name = await client.receive();
    await client.send(`hello ${name}`);
    const last = await client.receive();
    await client.send(`last ${last}`);
    await client.send(`after ${await client.receive()}`);
  },
  async early() {},
  async close(client) {
    await client.send('bye');
    client.close();
  },
  async throw(client) {
    await client.send('now');
    throw new Error('session failed');
  },
  async twice(client) {
    const first = client.receive();
    await client.receive().catch((error) => client.send(error.message));
    await first;
  },
  async flood(client) {
    const piece = 'x'.repeat(16 * 1024 - 1);
    for (let sent = 0; sent < 1024; sent++) await client.send(piece);
  },
  async endless(client) {
    for (let count = 0; ; count++) await client.send(`line ${count} ${'.'.repeat(1000)}`);
  },
  async slow(client) {
    for await (const line of client) {
      await delay(5);
      await client.send(line);
    }
    await client.send('end');
  },
  async work(client) {
    for await (const line of client) {
      await delay(Number(line));
      await client.send(line);
    }
  },
  async busy(client) {
    for await (const line of client) {
      for (const end = performance.now() + 1; performance.now() < end; );
      await client.send(line);
    }
  },
  async wait(client) {
    await delay(60_000);
    await client.send('late');
  },
};

export default {
  framing: 'line',
  encoding: 'utf8',
  async session(client) {
    await ways[await client.receive()](client);
  },
};
