/**
 * Answers lines with its version and the line; `thread` with the number of its thread. `hold` counts in gate[1] that it
 * has a thread and keeps it until somebody sets gate[0]; `stuck` keeps it for ever.
 * The version is the text of the file that VERSION names, if it is set: read once for each thread, as code is.
 */
import { readFileSync } from 'node:fs';
import { defineService } from 'heddle';

let gate;
let thread = 0;
let version = '';

export default defineService({
  framing: 'line',
  start({ id, shared }) {
    thread = id;
    gate = shared.gate;
    if (shared.version !== undefined) version = readFileSync(shared.version, 'utf8');
    if (version === 'broken') throw new Error('this version does not start');
  },
  message(line) {
    const text = line.toString();
    if (text === 'hold') {
      Atomics.add(gate, 1, 1);
      Atomics.wait(gate, 0, 0);
    }
    if (text === 'stuck') for (;;);
    if (text === 'thread') return String(thread);
    return `${version}${text}`;
  },
});
