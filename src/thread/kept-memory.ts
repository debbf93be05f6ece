/** Counts the memory that a thread keeps for its clients, and has the acceptor look when there may be too much of it. */
import type { MemoryAccount } from '../sharing/memory-account.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { Tidier } from './tidier.ts';

/** So many bytes may be kept for clients until it is looked whether that is too much for all threads together. */
const CHECK_AFTER_BYTES = 2 ** 20;

export interface KeptMemoryParts {
  readonly row: ThreadRow;
  readonly account: MemoryAccount;
  readonly sys: { trimMemory(): void };
  /** Has the acceptor look at the threads; left out where it does so by itself. */
  readonly alert?: (() => void) | undefined;
}

export class KeptMemory {
  readonly #parts: KeptMemoryParts;
  readonly #tidier: Tidier;
  /** How many bytes were kept since it was looked whether that is too much. */
  #grown = 0;

  constructor(parts: KeptMemoryParts) {
    this.#parts = parts;
    this.#tidier = new Tidier(() => parts.sys.trimMemory());
  }

  /** Whether `bytes` are too much to be kept for one client now. */
  isSurplus(bytes: number): boolean {
    return this.#parts.account.isSurplus(bytes);
  }

  /** Notes that `more` bytes more are kept for a client than before, of which `here` are not in the arena. */
  count(more: number, here: number): void {
    const { account, alert, row } = this.#parts;
    if (here !== 0) row.addKept(here);
    if (here < 0) this.#tidier.released(-here);
    this.#grown += Math.max(0, more);
    if (this.#grown < CHECK_AFTER_BYTES) return;
    this.#grown = 0;
    if (account.excess > 0) alert?.();
  }
}
