// Reverses lines. One that starts with `b00200` burns 200 ms of CPU time first; `x` ends the thread that serves it.
import { defineService } from 'heddle';
import { burn } from './burn-cpu.mjs';

const BURN = 0x62;
const EXIT = 0x78;

export default defineService({
  framing: 'line',
  borrow: true,
  message(line) {
    if (line[0] === EXIT) process.exit(1);
    if (line[0] === BURN) burn(Number(line.toString('latin1', 1, 6)));
    // oxlint-disable-next-line unicorn/no-array-reverse -- bytes that are ours, reversed where they are
    return line.reverse();
  },
});
