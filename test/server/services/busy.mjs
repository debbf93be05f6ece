/** Answers each line with itself; `busy N` computes for N ms of CPU time first, `block N` waits that long without CPU; a third word: so many bytes. */
import { performance } from 'node:perf_hooks';

const never = new Int32Array(new SharedArrayBuffer(4));
let value = 1;

function compute(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
}

export default {
  framing: 'line',
  encoding: 'utf8',
  message(line) {
    const [word, amount, bytes] = line.split(' ');
    if (word === 'busy') compute(Number(amount));
    if (word === 'block') Atomics.wait(never, 0, 0, Number(amount));
    return bytes === undefined ? line : 'x'.repeat(Number(bytes));
  },
};
