/** Finds the highest rate at which a server keeps what is required of it. */

/** What came of a run at a rate. `late`: the generator was the slow part; `unknown`: too few messages to tell. */
export type StepOutcome = 'kept' | 'missed' | 'late' | 'unknown';

export interface FoundRate {
  /** The highest rate that was kept each time that it was tried, in messages a second; 0 if there is none. */
  readonly rate: number;
  /** What came of the rates above it; where there is none, of the last one that was tried. */
  readonly limit: Exclude<StepOutcome, 'kept'>;
}

/** The search ends when the rate that was kept and the rate that was not are so close. */
const CLOSE = 1.05;
/** How often the rate must be kept. */
const CONFIRMATIONS = 3;

/**
 * Doubles the rate from `start` until it is not kept, then halves the distance, then tries again whether what was found is kept.
 * `isOver`: whether the user has ended the run.
 */
export async function findRate(
  start: number,
  step: (rate: number) => Promise<StepOutcome>,
  isOver: () => boolean,
): Promise<FoundRate> {
  let [kept, missed, limit] = [0, Infinity, 'missed' as FoundRate['limit']];
  let confirmed = 0;
  while (!isOver()) {
    const isClose = missed <= kept * CLOSE + 1;
    if (kept === 0 && missed <= 1) break;
    if (isClose && confirmed === CONFIRMATIONS) break;
    const rate = isClose ? kept : next(start, kept, missed);
    const outcome = await step(rate);
    if (outcome === 'kept') {
      confirmed = rate === kept ? confirmed + 1 : 1;
      kept = rate;
    } else {
      [missed, limit] = [rate, outcome];
      if (outcome === 'unknown') break;
      // What was kept once and not again is not kept.
      if (rate === kept) [kept, confirmed] = [Math.floor(rate / CLOSE), 0];
    }
  }
  return { rate: confirmed > 0 ? kept : 0, limit };
}

/** Whole messages a second. */
function next(start: number, kept: number, missed: number): number {
  if (kept === 0) return missed === Infinity ? start : Math.max(1, Math.floor(missed / 2));
  return missed === Infinity ? kept * 2 : Math.round(Math.sqrt(kept * missed));
}
