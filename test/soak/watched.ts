/** Used to see what a server has of the system while it is soaked: memory and fds. */
import type { FaultServer } from '../faults/fault-server.ts';
import { within } from '../faults/row.ts';
import { slope } from './slope.ts';

const MIB = 2 ** 20;
/** What memory may grow, in MiB in ten minutes. */
const MOST_GROWTH = 1;
/** How long the server may take until all fds are back, in ms. */
const BACK_WITHIN = 15_000;

export class Watched {
  readonly name: string;
  readonly server: FaultServer;
  readonly #fds: number;
  readonly #minutes: number[] = [];
  #least = Infinity;

  constructor(name: string, server: FaultServer) {
    this.name = name;
    this.server = server;
    this.#fds = server.fds;
  }

  /** To be called every second: what a minute is judged by is its least, since garbage comes and goes. */
  look(): void {
    this.#least = Math.min(this.#least, this.server.memory / MIB);
  }

  /** Ends a minute; says what it was like. */
  minute(): string {
    this.#minutes.push(this.#least);
    const text = `${this.name} ${this.#least.toFixed(1)} MiB, ${this.server.fds} fds`;
    this.#least = Infinity;
    return text;
  }

  /** MiB in ten minutes, over the last third. */
  get growth(): number {
    return slope(this.#minutes.slice(-Math.max(2, Math.ceil(this.#minutes.length / 3)))) * 10;
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
