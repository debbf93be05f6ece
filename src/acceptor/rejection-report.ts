/** Used to report clients that were turned away, so that a flood of them does not flood the log. */
import type { Report } from '../connection/closer.ts';
import type { RejectEvent } from '../log/event.ts';

/** How many are reported one by one in each period. */
const MOST = 10;
/** In ms. */
const PERIOD = 1000;

export class RejectionReport {
  readonly #report: Report | undefined;
  #since = Number.NEGATIVE_INFINITY;
  #shown = 0;
  #hidden = 0;

  constructor(report: Report | undefined) {
    this.#report = report;
  }

  /** Reports what `describe` gives, or only counts it. */
  add(describe: () => RejectEvent, now: number): void {
    this.look(now);
    if (this.#shown === MOST) {
      this.#hidden++;
      return;
    }
    this.#shown++;
    this.#report?.(describe());
  }

  /** Begins a new period if it is time to. */
  look(now: number): void {
    if (now - this.#since < PERIOD) return;
    this.#since = now;
    this.#shown = 0;
    this.reportHidden();
  }

  /** Says how many were only counted. */
  reportHidden(): void {
    if (this.#hidden > 0) this.#report?.({ type: 'rejects-hidden', time: Date.now(), count: this.#hidden });
    this.#hidden = 0;
  }
}
