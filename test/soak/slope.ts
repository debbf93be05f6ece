/** Tells growth from noise: the slope of a line through values of which some are far off. */
import { median } from '../../bench/harness/numbers.ts';

/**
 * The slope of `values`, taken at equal distances, for each step of that distance: the median over all pairs (the estimator of
 * Theil, 1950, and Sen, 1968), which a value that is far off does not change, as it does least squares. NaN of fewer than two.
 */
export function slope(values: readonly number[]): number {
  const slopes: number[] = [];
  for (const [left, from] of values.entries())
    for (const [step, to] of values.slice(left + 1).entries()) slopes.push((to - from) / (step + 1));
  return median(slopes);
}
