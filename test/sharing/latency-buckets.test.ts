import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketBound, bucketOf, BUCKETS, toMicroseconds } from '../../src/sharing/latency-buckets.ts';

const LONGEST = 2 ** 31 - 1;
const microseconds = fc.oneof(
  fc.integer({ min: 0, max: LONGEST }),
  fc.integer({ min: 0, max: 30 }).chain((power) => fc.integer({ min: 2 ** power - 1, max: 2 ** power + 1 })),
);

describe('latency buckets', () => {
  it('puts a duration below the bound of its bucket and not below the one before', () => {
    fc.assert(
      fc.property(microseconds, (us) => {
        // Half a microsecond more keeps the division from rounding across a bound.
        const bucket = bucketOf(toMicroseconds((us + 0.5) / 1000));
        const seconds = (us + 0.5) / 1e6;
        expect(seconds).toBeLessThan(bucketBound(bucket));
        if (bucket > 0) expect(seconds).toBeGreaterThanOrEqual(bucketBound(bucket - 1));
      }),
    );
  });

  it('never puts a longer duration into a lower bucket', () => {
    const duration = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(duration, duration, (one, other) => {
        const [shorter, longer] = [Math.min(one, other), Math.max(one, other)];
        expect(bucketOf(toMicroseconds(shorter))).toBeLessThanOrEqual(bucketOf(toMicroseconds(longer)));
      }),
    );
  });

  it('has bounds that grow', () => {
    for (let bucket = 1; bucket < BUCKETS; bucket++) {
      expect(bucketBound(bucket)).toBeGreaterThan(bucketBound(bucket - 1));
    }
  });

  it.each([
    [0, 0],
    [0.0009, 0],
    [0.001, 1],
    [0.002, 2],
    [0.003, 3],
    [0.004, 4],
    [0.006, 5],
    [1, 19],
    [1000, 39],
  ])('puts %d ms into bucket %d', (milliseconds, bucket) => {
    expect(bucketOf(toMicroseconds(milliseconds))).toBe(bucket);
  });

  it('has a bucket for whatever a clock may say', () => {
    for (const odd of [-1, -0.0001, 1e12, Infinity, Number.NaN]) {
      expect(bucketOf(toMicroseconds(odd))).toBeGreaterThanOrEqual(0);
      expect(bucketOf(toMicroseconds(odd))).toBeLessThan(BUCKETS);
    }
    expect(bucketOf(toMicroseconds(-1))).toBe(0);
  });
});
