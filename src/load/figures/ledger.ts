/** Enters what happened into the figures of the time that it belongs to: warm-up, measured, or neither. */

import type { GroupFigures, WrongReply } from './figures.ts';
import type { Histogram } from './histogram.ts';

/** When a run is measured, in ms of its thread's clock; Infinity until it begins. */
export class MeasuredTime {
  from = Infinity;
  to = Infinity;

  /** The part of the measured time that `time` is in, from 0 to `parts` - 1. */
  partOf(time: number, parts: number): number {
    return Math.floor(((time - this.from) / (this.to - this.from)) * parts);
  }

  has(time: number): boolean {
    return time >= this.from && time < this.to;
  }
}

export class Ledger {
  readonly #figures: GroupFigures;
  readonly #time: MeasuredTime;
  readonly #late: Histogram;

  /** `late`: counts how late the generator was. */
  constructor(figures: GroupFigures, time: MeasuredTime, late: Histogram) {
    this.#figures = figures;
    this.#time = time;
    this.#late = late;
  }

  /** Whether new messages may still be sent. */
  isOver(now: number): boolean {
    return now >= this.#time.to;
  }

  /** A message was due. */
  asked(due: number): void {
    if (this.#time.has(due)) this.#figures.asked++;
  }

  /** A message was sent so long after it could have been. */
  sent(now: number, late: number): void {
    if (this.#time.has(now)) this.#late.record(Math.max(0, late));
  }

  /** A reply was read, `late` ms at most after it came. `sentAt`: NaN if its client was not free when it was due. */
  replied(due: number, sentAt: number, now: number, late: number): void {
    const { closedLoop, warmUp } = this.#figures;
    if (this.#time.has(now)) {
      this.#figures.replies++;
      this.#late.record(late);
    }
    if (due < this.#time.from) warmUp.record(now - due);
    if (!this.#time.has(due)) return;
    this.#waited(due, now);
    if (!Number.isNaN(sentAt)) closedLoop.record(now - sentAt);
  }

  /** No reply will come. The client has waited for so long at least, which counts. */
  lost(due: number, sentAt: number, now: number): void {
    this.#figures.lost++;
    if (!this.#time.has(due)) return;
    this.#waited(due, now);
    if (!Number.isNaN(sentAt)) this.#figures.closedLoop.record(now - sentAt);
  }

  #waited(due: number, until: number): void {
    const { fromDue, steps } = this.#figures;
    fromDue.record(until - due);
    if (steps.length > 0) steps[this.#time.partOf(due, steps.length)]?.record(until - due);
  }

  wrong(reply: () => WrongReply): void {
    this.#figures.wrong++;
    this.#figures.wrongReply ??= reply();
  }

  connected(tookMs: number): void {
    this.#figures.connects++;
    this.#figures.connect.record(tookMs);
  }

  closed(why: string): void {
    this.#figures.closed++;
    this.#figures.closedWhy ??= why;
  }
}
