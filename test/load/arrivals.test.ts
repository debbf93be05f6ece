import { describe, expect, it } from 'vitest';
import { Arrivals, Pace, type Pattern } from '../../src/load/arrivals.ts';
import { seededRandom } from '../../src/load/random.ts';

function first(count: number, pattern: Pattern, rate: number, clients: number) {
  const arrivals = new Arrivals(1_000, new Pace(rate), clients, pattern, seededRandom(1));
  return Array.from({ length: count }, () => {
    const { client, due } = arrivals;
    arrivals.advance();
    return { client, due };
  });
}

describe('arrivals', () => {
  it('come at the same distance, from one client after the other', () => {
    expect(first(4, 'even', 500, 3)).toEqual([
      { client: 0, due: 1_000 },
      { client: 1, due: 1_002 },
      { client: 2, due: 1_004 },
      { client: 0, due: 1_006 },
    ]);
  });

  it('come at random at the rate that was asked for, as often from each client', () => {
    const found = first(20_000, 'poisson', 1_000, 4);
    const [, ...later] = found;
    const gaps = later.map(({ due }, index) => due - (found[index]?.due ?? NaN));
    expect(Math.min(...gaps)).toBeGreaterThan(0);
    expect(gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length).toBeCloseTo(1, 1);
    // Of exponential gaps, this share is longer than the mean.
    expect(gaps.filter((gap) => gap > 1).length / gaps.length).toBeCloseTo(Math.exp(-1), 1);
    for (const client of [0, 1, 2, 3])
      expect(found.filter((each) => each.client === client).length / found.length).toBeCloseTo(0.25, 1);
  });

  it.each([
    [100, 900],
    [900, 100],
    [500, 500],
  ])('go evenly from %i to %i a second', (from, to) => {
    const pace = new Pace(from, { to, afterMs: 1_000, ms: 2_000 });
    const times = Array.from({ length: from + from + to }, (_, count) => pace.timeOf(count));
    const between = (start: number, end: number) => times.filter((time) => time >= start && time < end).length;
    // The rate stays for a second; then each half of two seconds has as many as the mean of its rates says.
    expect(between(0, 1_000)).toBe(from);
    const middle = (from + to) / 2;
    expect(Math.abs(between(1_000, 2_000) - (from + middle) / 2)).toBeLessThanOrEqual(1);
    expect(Math.abs(between(2_000, 3_000) - (middle + to) / 2)).toBeLessThanOrEqual(1);
    expect(pace.timeOf(from + from + to + to)).toBeCloseTo(4_000, 6);
  });
});
