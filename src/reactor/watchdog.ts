/** Wakes the acceptor when this thread is blocked: each turn re-arms a timer, which then never fires. */
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Sys } from '../sys/sys.ts';

/*
 * Without it the acceptor would have to look at the heartbeats every few milliseconds. Each look costs the CPU that also
 * serves clients some 80 us, most of it in what is pushed out of the caches: 4 % of its time at a look every 2 ms. To put
 * the timer off is a system call, on a thread that is awake anyway.
 */

/**
 * How often it is put off while it runs: a turn that begins just too early for that may take the rest of the time. With a
 * thousand clients a turn takes some 2.5 ms, half of the default.
 */
const REARMS_PER_TIMEOUT = 4;

export class Watchdog {
  readonly #sys: Pick<Sys, 'timerfdSet'>;
  readonly #row: ThreadRow;
  readonly #within: number;
  /** When to put it off next, in `performance.now()` ms. */
  #due = 0;

  /** `row` has the timer. It runs out when the thread was blocked for `within` ms, a whole number. */
  constructor(sys: Pick<Sys, 'timerfdSet'>, row: ThreadRow, within: number) {
    this.#sys = sys;
    this.#row = row;
    this.#within = within;
  }

  /** Starts the timer anew, if that was not done just now; `now` is in `performance.now()` ms. */
  putOff(now: number): void {
    if (now < this.#due) return;
    this.#due = now + this.#within / REARMS_PER_TIMEOUT;
    this.#row.isGuarded = true; // First: should it run out at once, the acceptor is to have the last word.
    if (this.#sys.timerfdSet(this.#row.timerFd, this.#within) < 0) this.#row.isGuarded = false;
  }
}
