/** Reports that accepting pauses, at most once a minute for each cause: a full server pauses again and again. */
import type { Report } from '../connection/end/close.ts';

/** In ms. */
const REPEAT_AFTER_MS = 60_000;

export class PauseReport {
  readonly #report: Report | undefined;
  readonly #reportedAt = new Map<string, number>();

  constructor(report: Report | undefined) {
    this.#report = report;
  }

  add(cause: string, now: number): void {
    if (now - (this.#reportedAt.get(cause) ?? Number.NEGATIVE_INFINITY) < REPEAT_AFTER_MS) return;
    this.#reportedAt.set(cause, now);
    this.#report?.({ type: 'accept-paused', time: Date.now(), cause });
  }
}
