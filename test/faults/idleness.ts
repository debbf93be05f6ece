/** Measures what servers take that have nothing to do, beside a bare process of Node that wakes as often. */
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../bench/harness/child.ts';
import { threadTimes, timesBetween } from '../../bench/harness/thread-times.ts';
import { sum } from './row.ts';

/** Shares of one CPU, in the same second and a half. */
export interface Idleness {
  readonly share: number;
  /** That of the bare process: what it costs on this machine, at this moment, to wake twice a second. */
  readonly bare: number;
}

/** How long one measurement takes. */
const MEASURED_MS = 1500;
/** V8 tidies up once after a load, some eight seconds later; threads that are not needed any more end one by one, after five. */
const SETTLED_WITHIN_MS = 20_000;
const LIMIT = 0.01;
/** Where waking is dear (cold caches, a virtual machine that sleeps), a server has a few threads that wake, the bare process one. */
const TIMES_BARE = 6;

/** Who spins takes a whole CPU; who wakes now and then takes little, and on a slow machine as much more as everybody. */
export const isIdle = ({ share, bare }: Idleness): boolean => share < Math.max(LIMIT, TIMES_BARE * bare);

export const idleText = ({ share, bare }: Idleness): string =>
  `${percent(share)}${share < LIMIT ? '' : ` (a bare process ${percent(bare)})`}`;

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** The CPU time that a process has used, in ms. */
const usedBy = (pid: number): (() => number) => {
  const before = threadTimes(pid);
  return () => sum(timesBetween(before, threadTimes(pid)));
};

export class BareProcess {
  readonly #child = new Child([process.execPath, '-e', 'setInterval(() => {}, 500)']);

  /** The process `pid` at its quietest: who spins does so always. */
  async beside(pid: number): Promise<Idleness> {
    const patience = performance.now() + SETTLED_WITHIN_MS;
    let quietest: Idleness = { share: Infinity, bare: 0 };
    do {
      const [used, bare, from] = [usedBy(pid), usedBy(this.#child.pid), performance.now()];
      await delay(MEASURED_MS);
      const ms = performance.now() - from;
      const look = { share: used() / ms, bare: bare() / ms };
      if (isIdle(look) || look.share < quietest.share) quietest = look;
    } while (!isIdle(quietest) && performance.now() < patience);
    return quietest;
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
