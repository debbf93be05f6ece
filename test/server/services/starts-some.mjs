/** Can be started twice; `hold` says in gate[1] that it has its thread, and keeps it until somebody sets gate[0]. */
let gate;

export default {
  framing: 'line',
  start({ shared }) {
    ({ gate } = shared);
    if (Atomics.add(new Int32Array(shared.starts), 0, 1) >= 2) throw new Error('there are no more of them');
  },
  message(line) {
    if (String(line) !== 'hold') return line;
    Atomics.add(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
    return 'held';
  },
};
