/** Used to have clients closed that have let a deadline pass: each by its thread, which alone may. */
import { sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { HELD, REST, stateOf, threadOf } from '../sharing/control-word.ts';
import type { Deadlines } from '../sharing/deadlines.ts';
import { PARKED } from '../sharing/thread-board.ts';
import type { Roster } from './roster.ts';

export class Sweeper {
  readonly #table: ConnectionTable;
  readonly #roster: Roster;
  readonly #deadlines: Deadlines;
  #sweptAt = 0;

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
    this.#sweptAt = now;
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
      if (waits && this.#deadlines.overdue(fd, time) !== undefined) late.add(threadOf(word));
    }
    for (const watch of this.#roster.watches) {
      if (!late.has(watch.row.thread)) continue;
      watch.row.overdue = true;
      if (watch.row.state === PARKED) watch.ring(now);
    }
  }
}
