// Reverses lines, each after the work that it asks for; `x` ends the thread that serves it.
import { defineService } from 'heddle';
import { doWork } from './asked-work.mjs';

const EXIT = 0x78;

export default defineService({
  framing: 'line',
  borrow: true,
  message(line) {
    if (line[0] === EXIT) process.exit(1);
    doWork(line);
    // oxlint-disable-next-line unicorn/no-array-reverse -- bytes that are ours, reversed where they are
    return line.reverse();
  },
});
