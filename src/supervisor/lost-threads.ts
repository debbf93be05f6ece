/** Keeps the threads that were told to end and do not: they are in a system call, and may stay there for ever. */
import type { Closer } from '../connection/end/close.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { BUSY, PINNED, stateOf } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';

/*
 * Whatever is in the slots of such a thread is its own until it is gone: V8 ends it when the system call returns, and until then its
 * memory and its fds are in use. So its idle clients move away, as from any blocked thread, and the others are cut off by
 * shutdown(2): they see the end of the connection at once, and their slots are closed when the thread is gone.
 */

export class LostThreads {
  readonly #table: ConnectionTable;
  readonly #closer: Closer;
  /** Those that still have idle clients. */
  readonly #full = new Set<ThreadRow>();

  constructor(table: ConnectionTable, closer: Closer) {
    this.#table = table;
    this.#closer = closer;
  }

  /** Cuts off the clients that the thread of `row` keeps something for; `reasonOf` says why each is closed. */
  add(row: ThreadRow, reasonOf: (fd: number) => CloseReason): void {
    this.#full.add(row);
    if (!this.#closer.cuts) return;
    this.#table.forEach(row.thread, (fd, word) => {
      const state = stateOf(word);
      if (state === BUSY || state === PINNED) this.#closer.cutOff(fd, row, reasonOf(fd));
    });
  }

  /** The thread of `row` is gone. */
  delete(row: ThreadRow): void {
    this.#full.delete(row);
  }

  /** Has `moveAway` move the idle clients that are left; it says whether it has moved all. */
  empty(moveAway: (row: ThreadRow) => boolean): void {
    for (const row of this.#full) if (moveAway(row)) this.#full.delete(row);
  }
}
