/** Finds clients whose deadline has expired, and has each closed by its thread, which alone may close it. */
import { sharedTime } from '../sharing/clock.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { PINNED, IDLE, stateOf, threadOf } from '../sharing/control-word.ts';
import type { Deadlines } from '../sharing/deadlines.ts';
import type { ThreadRegistry } from './thread-registry.ts';
import type { WaitingRoom } from './waiting-room/waiting-room.ts';

/** No thread: the client stays where it is. */
const NOBODY = -1;

/**
 * After so many periods without a look, one is not counted: the process was stopped, or the whole machine, and the threads
 * have yet to read what arrived meanwhile.
 */
const LATE_PERIODS = 2;

export class DeadlineScan {
  readonly #table: ConnectionTable;
  readonly #registry: ThreadRegistry;
  readonly #deadlines: Deadlines;
  /** Where clients wait that have no thread; left out where there is no such place. */
  room: WaitingRoom | undefined = undefined;
  #scannedAt = 0;
  #wasLate = false;

  constructor(table: ConnectionTable, registry: ThreadRegistry, deadlines: Deadlines) {
    this.#table = table;
    this.#registry = registry;
    this.#deadlines = deadlines;
  }

  /** How long nobody has to look, in ms. */
  left(now: number): number {
    return Math.max(0, this.#scannedAt + this.#deadlines.period - now);
  }

  /** Looks at all clients, if it is time to, and tells the threads that have some to close. */
  scan(now: number): void {
    if (this.left(now) > 0) return;
    const isLate = now - this.#scannedAt > LATE_PERIODS * this.#deadlines.period;
    this.#scannedAt = now;
    this.#wasLate = isLate && !this.#wasLate;
    if (this.#wasLate) return;
    this.scanNow(now);
  }

  /** Looks at all clients now. */
  scanNow(now: number): void {
    const time = sharedTime(now);
    const late = new Set<number>();
    for (let fd = 0; fd < this.#table.size; fd++) {
      const word = this.#table.word(fd);
      const state = stateOf(word);
      const waits = state === IDLE || state === PINNED;
      if (!waits) continue;
      const reason = this.#deadlines.expired(fd, time);
      if (reason !== undefined) late.add(this.#threadFor(fd, word, reason));
      else if (this.#deadlines.asksForProgress(fd, time)) late.add(this.#threadToAsk(fd, word, now));
    }
    for (const watch of this.#registry.watches) {
      if (late.has(watch.row.thread)) watch.lookForLate(now);
    }
  }

  /** The thread that is to ask the kernel about the client of `fd`. */
  #threadToAsk(fd: number, word: number, now: number): number {
    const { room } = this;
    if (threadOf(word) !== room?.row.thread) return threadOf(word);
    room.goOn(fd, word, now);
    return NOBODY;
  }

  /** The thread that is to close the client of `fd`. */
  #threadFor(fd: number, word: number, reason: CloseReason): number {
    const { room } = this;
    if (threadOf(word) !== room?.row.thread) return threadOf(word);
    return room.sendExpired(fd, word, reason)?.thread ?? NOBODY;
  }
}
