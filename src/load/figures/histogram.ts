/** Counts durations finely enough for percentiles: each µs up to 2 ms, then within 0.1 %, in 88 KiB. */

import { fineBucketBound, fineBucketOf, toMicroseconds } from '../../sharing/latency-buckets.ts';

/** So many bits of a duration are kept: 1,024 buckets for each power of two of microseconds. */
export const BITS = 10;
/** Parts with as many buckets each; up to 2^31 µs, which is 36 minutes. */
export const OCTAVES = 31 - BITS + 1;
const BUCKETS = OCTAVES << BITS;

/** A histogram as plain data: the bucket numbers that have a count, and their counts. */
export interface HistogramRecord {
  readonly buckets: readonly number[];
  readonly counts: readonly number[];
  readonly worst: number;
}

/** All durations are in milliseconds. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;
  #worst = 0;

  /** How many durations were counted. */
  get count(): number {
    return this.#count;
  }

  /** The longest duration, exactly; 0 if there is none. */
  get worst(): number {
    return this.#worst;
  }

  record(milliseconds: number): void {
    const bucket = fineBucketOf(toMicroseconds(milliseconds), BITS);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#count++;
    if (milliseconds > this.#worst) this.#worst = milliseconds;
  }

  /**
   * The duration that `share` of all (0.99 for p99; 0: the shortest) are not longer than. It is the upper bound of a bucket, so it is never too short.
   * `undefined`: there are too few durations to tell, less than one is beyond it.
   */
  quantile(share: number): number | undefined {
    const beyond = Math.floor(this.#count * (1 - share) + 1e-9);
    if (this.#count === 0 || (share > 0.5 && beyond < 1)) return undefined;
    let left = Math.max(1, this.#count - beyond);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket] as number;
      if (left <= 0) return Math.min(fineBucketBound(bucket, BITS) / 1000, this.#worst);
    }
    return this.#worst;
  }

  /** How many durations are longer than `milliseconds`, to the width of a bucket. */
  countAbove(milliseconds: number): number {
    let count = 0;
    for (let bucket = fineBucketOf(toMicroseconds(milliseconds), BITS) + 1; bucket < BUCKETS; bucket++)
      count += this.#counts[bucket] as number;
    return count;
  }

  /** The mean and the standard deviation, to the width of a bucket; 0 if nothing was counted. */
  spread(): { readonly mean: number; readonly deviation: number } {
    let [sum, squares] = [0, 0];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#counts[bucket] as number;
      if (count === 0) continue;
      const ms = fineBucketBound(bucket, BITS) / 1000;
      sum += count * ms;
      squares += count * ms * ms;
    }
    const mean = this.#count === 0 ? 0 : sum / this.#count;
    return { mean, deviation: this.#count === 0 ? 0 : Math.sqrt(Math.max(0, squares / this.#count - mean * mean)) };
  }

  /** Adds what another histogram has counted. */
  add({ buckets, counts, worst }: HistogramRecord): void {
    for (const [index, bucket] of buckets.entries()) {
      const more = counts[index] ?? 0;
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + more;
      this.#count += more;
    }
    if (worst > this.#worst) this.#worst = worst;
  }

  toRecord(): HistogramRecord {
    const buckets: number[] = [];
    const counts: number[] = [];
    for (const [bucket, count] of this.#counts.entries()) {
      if (count === 0) continue;
      buckets.push(bucket);
      counts.push(count);
    }
    return { buckets, counts, worst: this.#worst };
  }

  static from(record: HistogramRecord): Histogram {
    const histogram = new Histogram();
    histogram.add(record);
    return histogram;
  }
}
