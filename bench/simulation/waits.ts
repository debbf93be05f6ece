/** Takes note of how long clients waited, in windows of time. */

export interface Window {
  readonly from: number;
  readonly to: number;
}

export class Waits {
  readonly window: Window;
  readonly #waits: number[] = [];
  /** How many were over within the window. */
  #ended = 0;

  constructor(window: Window) {
    this.window = window;
  }

  /** Notes a wait, if it touches the window: from where that begins. */
  note(since: number, until: number): void {
    const { from, to } = this.window;
    if (until <= from || since >= to) return;
    this.#waits.push(until - Math.max(since, from));
    if (until < to) this.#ended++;
  }

  get perSecond(): number {
    const { from, to } = this.window;
    return (this.#ended * 1000) / (to - from);
  }

  get worst(): number {
    return this.#waits.reduce((most, wait) => Math.max(most, wait), 0);
  }

  /** The wait that 99 of 100 do not reach. */
  get p99(): number {
    const sorted = Float64Array.from(this.#waits).sort();
    return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  }
}
