/** Answers lines; `bye` closes. What it does when a client has gone takes until somebody opens the gate of `gate.ts`. */
let gate;

export default {
  framing: 'line',
  start({ shared }) {
    ({ gate } = shared);
  },
  message(line, client) {
    if (String(line) === 'bye') client.close();
    return line;
  },
  close() {
    Atomics.add(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
  },
};
