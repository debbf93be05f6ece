/** Has clients closed that have let a deadline pass: each by its thread, which alone may. */
import { sharedTime } from '../sharing/clock.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { HELD, REST, stateOf, threadOf } from '../sharing/control-word.ts';
import type { Deadlines } from '../sharing/deadlines.ts';
import { PARKED } from '../sharing/thread-board.ts';
import type { Roster } from './roster.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** No thread: the client stays where it is. */
const NOBODY = -1;

/**
 * After so many periods without a look, one is not counted: the process was stopped, or the whole machine, and the threads
 * have yet to read what arrived meanwhile.
 */
const LATE = 2;

export class Sweeper {
  readonly #table: ConnectionTable;
  readonly #roster: Roster;
  readonly #deadlines: Deadlines;
  /** Where clients wait that have no thread; left out where there is no such place. */
  room: WaitingRoom | undefined = undefined;
  #sweptAt = 0;
  #wasLate = false;

  constructor(table: ConnectionTable, roster: Roster, deadlines: Deadlines) {
    this.#table = table;
    this.#roster = roster;
    this.#deadlines = deadlines;
  }

  /** How long nobody has to look, in ms. */
  left(now: number): number {
    return Math.max(0, this.#sweptAt + this.#deadlines.period - now);
  }

  /** Looks at all clients, if it is time to, and tells the threads that have some to close. */
  sweep(now: number): void {
    if (this.left(now) > 0) return;
    const isLate = now - this.#sweptAt > LATE * this.#deadlines.period;
    this.#sweptAt = now;
    this.#wasLate = isLate && !this.#wasLate;
    if (this.#wasLate) return;
    this.tell(now);
  }

  /** Looks at all clients now. */
  tell(now: number): void {
    const time = sharedTime(now);
    const late = new Set<number>();
    for (let fd = 0; fd < this.#table.size; fd++) {
      const word = this.#table.word(fd);
      const state = stateOf(word);
      const waits = state === REST || state === HELD;
      const reason = waits ? this.#deadlines.overdue(fd, time) : undefined;
      if (reason !== undefined) late.add(this.#threadFor(fd, word, reason));
    }
    for (const watch of this.#roster.watches) {
      if (!late.has(watch.row.thread)) continue;
      watch.row.overdue = true;
      if (watch.row.state === PARKED) watch.ring(now);
    }
  }

  /** The thread that is to close the client of `fd`. */
  #threadFor(fd: number, word: number, reason: CloseReason): number {
    const { room } = this;
    if (threadOf(word) !== room?.row.thread) return threadOf(word);
    return room.sendOverdue(fd, word, reason)?.thread ?? NOBODY;
  }
}
