/** Used to see what a server has of the system while it is soaked: memory and fds. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultServer } from '../faults/fault-server.ts';
import { within } from '../faults/row.ts';
import { slope } from './slope.ts';

const MIB = 2 ** 20;
/** What memory may grow, in MiB in ten minutes. */
const MOST_GROWTH = 1;
/** How long the server may take until all fds are back, in ms. */
const BACK_WITHIN = 15_000;
/** Memory is the least of so many looks, this many ms apart. */
const LOOKS = 10;
const LOOK = 300;

export class Watched {
  readonly name: string;
  readonly server: FaultServer;
  readonly #fds: number;
  readonly #memory: number[] = [];

  constructor(name: string, server: FaultServer) {
    this.name = name;
    this.server = server;
    this.#fds = server.fds;
  }

  /**
   * Says what the server has, with no client left. It is measured on new threads, and without what malloc keeps of freed
   * memory: garbage and holes differ from minute to minute by more than is looked for.
   */
  async measure(): Promise<string> {
    await within(BACK_WITHIN, async () => (await this.server.stats()).clients === 0);
    await this.server.reload();
    await within(BACK_WITHIN, () => this.server.fds <= this.#fds);
    let least = Infinity;
    for (let look = 0; look < LOOKS; look++) {
      await delay(LOOK);
      await this.server.trim();
      least = Math.min(least, this.server.memory / MIB);
    }
    this.#memory.push(least);
    return `${this.name} ${least.toFixed(1)} MiB, ${this.server.fds} fds`;
  }

  /** MiB in ten minutes, over the last third. */
  get growth(): number {
    return slope(this.#memory.slice(-Math.max(2, Math.ceil(this.#memory.length / 3)))) * 10;
  }

  /** Says how it ended; true: well. */
  async end(): Promise<boolean> {
    const areBack = await within(BACK_WITHIN, () => this.server.fds <= this.#fds);
    const grows = this.growth >= MOST_GROWTH;
    const memory = `memory ${grows ? 'GROWS' : 'is steady'}: ${this.growth.toFixed(2)} MiB in 10 minutes, < ${MOST_GROWTH} asked`;
    const fds = `fds ${areBack ? 'are back' : 'are NOT back'}: ${this.#fds} → ${this.server.fds}`;
    console.log(`${this.name}: ${memory}; ${fds}; closes ${JSON.stringify(await this.#closes())}`);
    return areBack && !grows;
  }

  async #closes(): Promise<Record<string, number>> {
    const { closes } = await this.server.stats();
    return Object.fromEntries(Object.entries(closes).filter(([, count]) => count > 0));
  }
}
