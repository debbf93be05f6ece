/** Turns the buckets of `latency-buckets.ts` into the fewer ones of a histogram that is scraped. */
import { bucketBound, BUCKETS } from '../sharing/latency-buckets.ts';
import type { Labels, Sample } from './exposition.ts';

/** Powers of two from 8 µs to 33.5 s: each is the bound of a bucket, so no count is guessed. */
export const WAIT_BOUNDS: readonly number[] = powersOfTwo(3, 25, 1);
/** The same with fewer buckets: powers of four from 16 µs to 67 s. */
export const DURATION_BOUNDS: readonly number[] = powersOfTwo(4, 26, 2);
/** From 4 ms, below which nothing counts as a block, to 33.5 s. */
export const BLOCK_BOUNDS: readonly number[] = powersOfTwo(12, 25, 1.5);
/** From 2 ms to 0.26 s. */
export const RELIEF_BOUNDS: readonly number[] = powersOfTwo(11, 18, 1);

/** In seconds; 2 to the power of `from`, and so on, in µs. */
function powersOfTwo(from: number, to: number, step: number): number[] {
  const bounds: number[] = [];
  for (let power = from; power <= to; power += step) bounds.push(2 ** Math.floor(power) / 1e6);
  return bounds;
}

/** The samples of one histogram. The sum is that of the middles of its buckets: true to about a tenth. */
export function histogram(counts: Float64Array, bounds: readonly number[], labels?: Labels): Sample[] {
  const samples: Sample[] = [];
  let [count, sum] = [0, 0];
  let next = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const [from, to] = [bucket === 0 ? 0 : bucketBound(bucket - 1), bucketBound(bucket)];
    const bound = bounds[next] ?? Infinity;
    if (to > bound) samples.push(upTo(bounds[next++] as number, count, labels));
    const here = counts[bucket] as number;
    count += here;
    sum += (here * (from + to)) / 2;
  }
  samples.push(upTo(Infinity, count, labels));
  const own = labels === undefined ? {} : { labels };
  samples.push({ suffix: '_sum', ...own, value: sum }, { suffix: '_count', ...own, value: count });
  return samples;
}

function upTo(bound: number, value: number, labels: Labels | undefined): Sample {
  return { suffix: '_bucket', labels: { ...labels, le: bound === Infinity ? '+Inf' : `${bound}` }, value };
}
