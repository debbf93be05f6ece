// Does what a line asks for before it is answered: `b00200` burns 200 ms of CPU time, `w00200` computes for 200 ms by the
// clock on the wall, `s00200` blocks its thread for 200 ms without CPU. Other lines ask for nothing.
import { burn } from './burn-cpu.mjs';

const CPU = 0x62;
const WALL = 0x77;
const SLEEP = 0x73;

const never = new Int32Array(new SharedArrayBuffer(4));
let value = 1;

function computeFor(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end)
    for (let i = 0; i < 20_000; i++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
}

const amount = (line) => Number(line.toString('latin1', 1, 6));

export function doWork(line) {
  if (line[0] === CPU) burn(amount(line));
  else if (line[0] === WALL) computeFor(amount(line));
  else if (line[0] === SLEEP) Atomics.wait(never, 0, 0, amount(line));
}
