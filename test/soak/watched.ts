/** Measures what a server has of the system while it is soaked: memory and fds. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultServer } from '../faults/fault-server.ts';
import { within } from '../faults/row.ts';
import { slope } from './slope.ts';

const MIB = 2 ** 20;
/** What memory may grow, in MiB in ten minutes. */
const MOST_GROWTH = 1;
/** How long the server may take until all fds are back, in ms. */
const BACK_WITHIN = 15_000;
/** After so many minutes each thread has had a client. */
const SETTLED = 3;
/** Memory is the least of so many looks, this many ms apart. */
const LOOKS = 12;
const POLL_INTERVAL_MS = 300;

export class Watched {
  readonly name: string;
  readonly server: FaultServer;
  /** With no client left, after the first minutes: libuv keeps one more for each thread that has had a socket of Node's. */
  #fds = Infinity;
  readonly #memory: number[] = [];

  constructor(name: string, server: FaultServer) {
    this.name = name;
    this.server = server;
  }

  /**
   * Says what the server has, with no client left, without garbage and without what malloc keeps of freed memory: these
   * differ from minute to minute by more than is looked for.
   */
  async measure(): Promise<string> {
    await within(BACK_WITHIN, async () => (await this.server.stats()).clients === 0);
    await within(BACK_WITHIN, () => this.server.fds <= this.#fds);
    let least = Infinity;
    for (let look = 0; look < LOOKS; look++) {
      await delay(POLL_INTERVAL_MS);
      await this.server.tidy();
      least = Math.min(least, this.server.memory / MIB);
    }
    this.#memory.push(least);
    if (this.#memory.length === SETTLED) this.#fds = this.server.fds;
    return `${this.name} ${least.toFixed(1)} MiB, ${this.server.fds} fds`;
  }

  /** MiB in ten minutes, over the last third. */
  get growth(): number {
    return slope(this.#memory.slice(-Math.max(2, Math.ceil(this.#memory.length / 3)))) * 10;
  }

  /** Says how it ended; true: well. `mayGrow`: memory is not judged. */
  async end(mayGrow: boolean): Promise<boolean> {
    const areBack = await within(BACK_WITHIN, () => this.server.fds <= this.#fds);
    const grows = !mayGrow && this.growth >= MOST_GROWTH;
    const found = mayGrow ? 'is not judged' : grows ? 'GROWS' : 'is steady';
    const memory = `memory ${found}: ${this.growth.toFixed(2)} MiB in 10 minutes, < ${MOST_GROWTH} asked`;
    const fds = `fds ${areBack ? 'are back' : 'are NOT back'}: ${this.#fds} → ${this.server.fds}`;
    console.log(`${this.name}: ${memory}; ${fds}; closes ${JSON.stringify(await this.#closes())}`);
    return areBack && !grows;
  }

  async #closes(): Promise<Record<string, number>> {
    const { closes } = await this.server.stats();
    return Object.fromEntries(Object.entries(closes).filter(([, count]) => count > 0));
  }
}
