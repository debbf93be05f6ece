/** The memory of a process, as the kernel counts it. Used to say what idle clients cost a server. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Memory {
  /** What this process has alone: written pages and those swapped out. */
  readonly privateBytes: number;
  readonly rssBytes: number;
}

const SAMPLE_MS = 200;
const LONGEST_MS = 4_000;
const STEADY_SAMPLES = 4;
const STEADY_BYTES = 128 * 1_024;

/** Reads `smaps_rollup`: see proc(5). */
function readMemory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string): number => {
    const kibibytes = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
    return Number(kibibytes ?? NaN) * 1_024;
  };
  return { privateBytes: field('Private_Dirty') + field('Swap'), rssBytes: field('Rss') };
}

/** Waits until it no longer changes (a collector may still be at work), though not for ever. */
export async function settledMemory(pid: number): Promise<Memory> {
  let last = readMemory(pid);
  for (let steady = 0, waited = 0; steady < STEADY_SAMPLES && waited < LONGEST_MS; waited += SAMPLE_MS) {
    await sleep(SAMPLE_MS);
    const next = readMemory(pid);
    steady = Math.abs(next.privateBytes - last.privateBytes) <= STEADY_BYTES ? steady + 1 : 0;
    last = next;
  }
  return last;
}
