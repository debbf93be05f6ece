/** Counts durations in a fixed number of buckets: two for each power of two of microseconds. */

/** From below 1 µs to over 2^30 µs (18 minutes). */
export const BUCKETS = 64;

/** The upper bounds of all buckets, in seconds: `stats()` counts durations by them. */
export const latencyBounds = (): readonly number[] =>
  Array.from({ length: BUCKETS }, (_, bucket) => bucketBound(bucket));

/** A duration in whole microseconds, as a small integer; 36 minutes at most. */
export function toMicroseconds(milliseconds: number): number {
  return Math.min(milliseconds * 1000, 0x7fffffff) | 0;
}

/** Finds the bucket of a duration in whole microseconds; two integer operations, since it runs at every reply. */
export function bucketOf(microseconds: number): number {
  if (microseconds < 2) return microseconds < 1 ? 0 : 1;
  const power = 31 - Math.clz32(microseconds);
  return power * 2 + ((microseconds >>> (power - 1)) & 1);
}

/** The upper bound of a bucket, in seconds: a duration in it is shorter than this. */
export function bucketBound(bucket: number): number {
  if (bucket < 2) return (bucket + 1) / 1e6;
  const power = bucket >> 1;
  return (2 ** power * ((bucket & 1) === 0 ? 1.5 : 2)) / 1e6;
}
