/** For each line, a session sends at every depth of its stack, from the end on, and then says how often that did not throw. */

const CALLS = 600;

function atEveryDepth(act) {
  let made = 0;
  (function descend() {
    try {
      descend();
    } catch {
      // The stack is full.
    }
    if (made === CALLS) return;
    try {
      act();
      made++;
    } catch {
      // Too little is left.
    }
  })();
  return made;
}

export default {
  framing: 'line',
  async session(client) {
    for await (const line of client) {
      const made = atEveryDepth(() => client.send(`${line}`));
      await client.send(`made ${made}`);
    }
  },
};
