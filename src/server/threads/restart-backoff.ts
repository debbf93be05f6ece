/** Decides, from how threads have died lately, how soon the next one starts and how many are kept in reserve. */

/** RestartBackoff within this time, in ms, count towards the wait before the next thread is started. */
const RECENT_MS = 10_000;
/** So many of them are taken as accidents: the thread is replaced at once. */
const ACCIDENTS = 3;
/** Then the wait begins, in ms, and doubles with each, up to the longest. */
const FIRST_WAIT_MS = 10;
const MAX_WAIT_MS = 250;
/** How long it may take to replace a thread when they keep dying and the machine is busy, in ms: the longest wait, and the start itself. */
const REPLACING_MS = 1000;

export class RestartBackoff {
  #times: number[] = [];

  /** `now`, here and below: `performance.now()` in ms. */
  add(now: number): void {
    this.#times.push(now);
  }

  /** How long to wait before the next thread is started, in ms. */
  wait(now: number): number {
    this.#times = this.#times.filter((time) => time > now - RECENT_MS);
    const more = this.#times.length - ACCIDENTS;
    return more <= 0 ? 0 : Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (more - 1));
  }

  /**
   * How many threads more than usual there should be: as many as die while others are replaced, so that one is left to
   * serve. A single death is nothing to prepare for.
   */
  spares(now: number): number {
    return Math.max(0, this.#times.filter((time) => time > now - REPLACING_MS).length - 1);
  }
}
