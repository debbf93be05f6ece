/** Counts what has happened in the last hour, in steps of five minutes: what was long ago is no news. */

const STEP_MS = 5 * 60_000;
const STEPS = 12;

export class LastHour {
  readonly #counts = new Float64Array(STEPS);
  #step = 0;

  /** `now`: a clock in ms that only rises. */
  add(count: number, now: number): void {
    this.#forget(now);
    const at = this.#step % STEPS;
    this.#counts[at] = (this.#counts[at] as number) + count;
  }

  total(now: number): number {
    this.#forget(now);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Empties the steps that have begun since. */
  #forget(now: number): void {
    const step = Math.floor(now / STEP_MS);
    for (let each = Math.max(this.#step + 1, step - STEPS + 1); each <= step; each++) this.#counts[each % STEPS] = 0;
    this.#step = step;
  }
}
