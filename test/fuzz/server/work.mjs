// What the services of the fuzzer do before they answer.
import { setTimeout as delay } from 'node:timers/promises';
import { burn } from '../../../bench/services/burn-cpu.mjs';

/** Longer than `moveAfter`, and shorter than what has a thread lose its share of the CPU: beside other work that would take minutes. */
const BURNS_MS = 8;
const WAITS_MS = 4;

/** Gives a promise where the answer takes a while, and nothing where it does not. */
export function work(way) {
  if (way === 'exit') process.exit(1);
  if (way === 'burn') burn(BURNS_MS);
  return way === 'later' ? delay(WAITS_MS) : undefined;
}
