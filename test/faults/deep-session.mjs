// A session that blocks its thread for a moment and then sends at every depth of its stack, from the end on; then it answers.
import { defineService } from 'heddle';

/** How long the thread is blocked, in ms: until its client has reset. */
const HOLDS = 20;
/** How many sends end well: enough to come from a full stack to one with room for anything. */
const SENDS = 1000;

function sendAtEveryDepth(client) {
  let sends = 0;
  (function descend() {
    try {
      descend();
    } catch {
      // The stack is full.
    }
    if (sends === SENDS) return;
    try {
      client.send('node');
      sends++;
    } catch {
      // Too little of it is left.
    }
  })();
}

export default defineService({
  framing: 'line',
  async session(client) {
    for await (const line of client) {
      const end = performance.now() + HOLDS;
      while (performance.now() < end);
      sendAtEveryDepth(client);
      await client.send(line);
    }
  },
});
