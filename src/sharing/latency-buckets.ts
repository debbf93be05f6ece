/**
 * Counts durations in a fixed number of buckets: two for each power of two of microseconds. A finer count of the same kind has
 * 2^bits buckets for each power of two, where `bits` is 1 for the coarse one.
 */

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
  return fineBucketBound(bucket, 1) / 1e6;
}

/** Finds the bucket of a duration in whole microseconds, of 2^bits for each power of two; below 2^bits each has one of its own. */
export function fineBucketOf(microseconds: number, bits: number): number {
  if (microseconds < 2 ** bits) return microseconds;
  const power = 31 - Math.clz32(microseconds);
  return ((power - bits + 1) << bits) + ((microseconds >>> (power - bits)) & (2 ** bits - 1));
}

/** The upper bound of such a bucket, in microseconds. */
export function fineBucketBound(bucket: number, bits: number): number {
  const octave = bucket >> bits;
  if (octave === 0) return bucket + 1;
  return (2 ** bits + (bucket & (2 ** bits - 1)) + 1) * 2 ** (octave - 1);
}
