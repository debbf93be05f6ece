/** Has the clients closed for which most is kept, while more is kept for all of them than may be (`maxMemory`). */
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { CLOSING, FREE, stateOf } from '../sharing/control-word.ts';
import type { MemoryAccount } from '../sharing/memory-account.ts';
import type { DeadlineScan } from './deadline-scan.ts';

/*
 * Threads note in each slot what is kept for its client, and wake the acceptor when they see that all of it is too much. The acceptor
 * then marks the largest, and their threads close them, as they close clients that have let a deadline pass. From then on
 * a client that grows to that size is closed at once: in one turn a thread can keep a lot. A mark is taken back if the
 * client is still there when there is room again: its thread was blocked, say.
 */

/** How often clients are chosen while too much is kept, in ms: those chosen are to be closed first. */
const CHOOSE_AGAIN_MS = 5;

export class MemoryGuard {
  readonly #table: ConnectionTable;
  readonly #account: MemoryAccount;
  readonly #deadlineScan: DeadlineScan;
  #chosenAt = Number.NEGATIVE_INFINITY;
  #hasMarked = false;

  constructor(table: ConnectionTable, account: MemoryAccount, deadlineScan: DeadlineScan) {
    this.#table = table;
    this.#account = account;
    this.#deadlineScan = deadlineScan;
  }

  /** How long nobody has to look if no thread wakes the acceptor, in ms. */
  get left(): number {
    return this.#hasMarked ? CHOOSE_AGAIN_MS : Infinity;
  }

  look(now: number): void {
    const { excess } = this.#account;
    if (excess <= 0) {
      if (this.#hasMarked) this.#pardon();
    } else if (now - this.#chosenAt >= CHOOSE_AGAIN_MS) {
      this.#chosenAt = now;
      this.#hasMarked = true;
      this.#choose();
      this.#deadlineScan.scanNow(now);
    }
  }

  /**
   * Marks the largest, until those that are not marked have no more than the limit. What a thread is working on counts
   * once it is in the slot: the room that it takes to grow is soon free again.
   */
  #choose(): void {
    const table = this.#table;
    const found: { readonly fd: number; readonly kept: number }[] = [];
    this.#forEach((fd) => {
      const kept = table.isSurplus(fd) ? 0 : table.kept(fd);
      if (kept > 0) found.push({ fd, kept });
    });
    found.sort((one, other) => other.kept - one.kept);
    let left = found.reduce((sum, { kept }) => sum + kept, 0);
    for (const { fd, kept } of found) {
      if (left <= this.#account.limit) break;
      table.setSurplus(fd, true);
      this.#account.limitEach(kept);
      left -= kept;
    }
  }

  #pardon(): void {
    this.#hasMarked = false;
    this.#account.limitEach(0);
    this.#forEach((fd) => this.#table.setSurplus(fd, false));
  }

  #forEach(visit: (fd: number) => void): void {
    for (let fd = 0; fd < this.#table.size; fd++) {
      const state = stateOf(this.#table.word(fd));
      if (state !== FREE && state !== CLOSING) visit(fd);
    }
  }
}
