/** Can be started twice; `hold 100` holds its thread for 100 ms. */
export default {
  framing: 'line',
  start({ shared }) {
    if (Atomics.add(new Int32Array(shared.starts), 0, 1) >= 2) throw new Error('there are no more of them');
  },
  message(line) {
    const [, ms] = /^hold (\d+)/.exec(String(line)) ?? [];
    if (ms === undefined) return line;
    for (const end = performance.now() + Number(ms); performance.now() < end; );
    return 'held';
  },
};
