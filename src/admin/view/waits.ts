/** Says how long clients have waited, from two readings of a histogram. */

export interface Waits {
  /** How many messages were answered. */
  readonly count: number;
  /** Half of them waited no longer than this, in ms; left out if there were none. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** What was counted between two readings. A counter that went back began anew. */
export function countsBetween(before: readonly number[], after: readonly number[]): number[] {
  const isAnew = after.some((count, bucket) => count < (before[bucket] ?? 0));
  return isAnew ? [...after] : after.map((count, bucket) => count - (before[bucket] ?? 0));
}

export function waitsOf(counts: readonly number[], bounds: readonly number[]): Waits {
  const count = counts.reduce((sum, each) => sum + each, 0);
  if (count === 0) return { count };
  return { count, p50Ms: quantile(counts, bounds, 0.5), p99Ms: quantile(counts, bounds, 0.99) };
}

/** The upper bound of the bucket in which `share` of all are reached, in ms: never too low. */
function quantile(counts: readonly number[], bounds: readonly number[], share: number): number {
  const wanted = counts.reduce((sum, count) => sum + count, 0) * share;
  let seen = 0;
  const bucket = counts.findIndex((count) => (seen += count) >= wanted && count > 0);
  return (bounds[bucket] ?? 0) * 1000;
}
