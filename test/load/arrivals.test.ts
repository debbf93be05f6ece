import { describe, expect, it } from 'vitest';
import { Arrivals, type Pattern } from '../../src/load/arrivals.ts';
import { seededRandom } from '../../src/load/random.ts';

function first(count: number, pattern: Pattern, rate: number, clients: number) {
  const arrivals = new Arrivals(1_000, rate, clients, pattern, seededRandom(1));
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
});
