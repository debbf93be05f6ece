import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/load/figures/histogram.ts';
import { bucketOf, fineBucketBound, fineBucketOf } from '../../../src/sharing/latency-buckets.ts';

function of(...durations: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const duration of durations) histogram.record(duration);
  return histogram;
}

describe('a histogram of the load', () => {
  it('counts in the same buckets as the server where it keeps one bit', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (us) => fineBucketOf(us, 1) === bucketOf(us)));
  });

  it('never gives a percentile that is too short, nor one that is 0.1 % and 1 µs too long', () => {
    const durations = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99), (given, share) => {
        const sorted = given.toSorted((a, b) => a - b);
        const beyond = Math.floor(given.length * (1 - share) + 1e-9);
        const exact = sorted[given.length - beyond - 1] ?? NaN;
        const quantile = of(...given).quantile(share);
        if (share > 0.5 && beyond === 0) expect(quantile).toBeUndefined();
        else {
          expect(quantile).toBeGreaterThanOrEqual(exact);
          expect(quantile).toBeLessThanOrEqual(exact * 1.001 + 0.001);
        }
      }),
    );
  });

  it('has the shortest as the lowest percentile', () => {
    expect(of(5, 1, 3).quantile(0)).toBeCloseTo(1, 2);
  });

  it('has the exact worst', () => {
    expect(of(1.23456, 0.5).worst).toBe(1.23456);
  });

  it('counts what is longer than a limit', () => {
    expect(of(0.5, 0.9, 1.1, 2, 3000).countAbove(1)).toBe(3);
  });

  it('is the same when it was sent to another thread and added up', () => {
    const [one, other] = [of(0.1, 5, 2_000), of(0.2, 5)];
    const sum = Histogram.from(structuredClone(one.toRecord()));
    sum.add(structuredClone(other.toRecord()));
    expect(sum.toRecord()).toEqual(of(0.1, 5, 2_000, 0.2, 5).toRecord());
    expect(sum.count).toBe(5);
  });

  it('has bounds that grow', () => {
    for (let bucket = 1; bucket < 22_528; bucket++)
      expect(fineBucketBound(bucket, 10)).toBeGreaterThan(fineBucketBound(bucket - 1, 10));
  });
});
