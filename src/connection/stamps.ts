/** Used to note in a client's slot when what happened to it, for those who watch its deadlines. */
import { sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';

/** What the connection reads of its thread. `time`: when the last event was done with, in `performance.now()` ms. */
interface Clock {
  readonly table: ConnectionTable;
  readonly time: number;
}

export class Stamps {
  readonly #clock: Clock;
  readonly #fd: number;
  /** Since when the slot says that a message is begun; 0: it is not. */
  #begun: number;
  /** The slot says that the client does not read what waits for it. */
  #isStuck: boolean;

  constructor(clock: Clock, fd: number) {
    this.#clock = clock;
    this.#fd = fd;
    this.#begun = clock.table.begun(fd);
    this.#isStuck = clock.table.stuck(fd) !== 0;
  }

  /** Bytes came or went. */
  seen(): void {
    this.#clock.table.setSeen(this.#fd, sharedTime(this.#clock.time));
  }

  /** A message is begun and not complete; `isNew`: the one before it has just ended. */
  begin(isNew: boolean): void {
    if (this.#begun === 0 || isNew) this.#setBegun(this.#now);
  }

  /** No message is begun, or the service is not ready for it: that is not its client's fault. */
  complete(): void {
    if (this.#begun !== 0) this.#setBegun(0);
  }

  /** The client reads what waits for it, or nothing waits; or it does not. */
  stuck(isStuck: boolean): void {
    if (isStuck === this.#isStuck) return;
    this.#isStuck = isStuck;
    this.#clock.table.setStuck(this.#fd, isStuck ? this.#now : 0);
  }

  /** The client has read some of what waits for it, not all. */
  moved(): void {
    this.#clock.table.setStuck(this.#fd, this.#now);
  }

  #setBegun(begun: number): void {
    this.#begun = begun;
    this.#clock.table.setBegun(this.#fd, begun);
  }

  /** The time of this event, as a `sharedTime` that is not 0. */
  get #now(): number {
    return sharedTime(this.#clock.time) || 1;
  }
}
