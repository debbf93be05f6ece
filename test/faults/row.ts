import type { Stage } from './stage.ts';

/** A row of the table: a fault, what is asked, and what was measured. */
export interface Row {
  readonly fault: string;
  readonly asked: string;
  /** Puts servers of `stage` through the fault. They go on running: afterwards they are to be idle. */
  run(stage: Stage): Promise<Measured>;
}

export interface Measured {
  readonly measured: string;
  readonly passed: boolean;
}

/** Looks until `look` gives true, for at most `ms`; tells whether it did. */
export async function within(ms: number, look: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + ms;
  do {
    if (await look()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (performance.now() < end);
  return false;
}

/** How often a figure is measured that noise can only make larger. */
const TRIES = 3;

/** The least that `measure` gives, of three times, or fewer if one is not above `enough`: what else runs here only adds to it. */
export async function least(enough: number, measure: () => Promise<number>): Promise<number> {
  let best = Infinity;
  for (let tries = 0; tries < TRIES && best > enough; tries++) best = Math.min(best, await measure());
  return best;
}

/** The sum of `values`. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
