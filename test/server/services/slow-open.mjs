/** Greets a client 20 ms after it came. */
import { setTimeout as delay } from 'node:timers/promises';

export default {
  framing: 'line',
  async open(client) {
    await delay(20);
    await client.send('welcome');
  },
  message: (message) => message,
};
