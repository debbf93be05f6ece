import { describe, expect, it } from 'vitest';
import { compare } from '../../../src/load/figures/comparison.ts';
import type { Summary } from '../../../src/load/figures/summary.ts';

const rounds = (...p50s: readonly (number | null)[]): Summary[] =>
  p50s.map((p50) => ({ clients: { fromDue: { p50, p99: null }, rate: 0 } }) as unknown as Summary);

const outcomes = (base: readonly Summary[], other: readonly Summary[], isPaired = true) =>
  compare(base, other, isPaired, 0.05).map(({ name, outcome }) => `${name} ${outcome}`);

describe('a comparison', () => {
  it('finds a difference where all rounds are on one side', () => {
    expect(outcomes(rounds(1, 2, 3), rounds(1.2, 2.4, 3.6))).toEqual(['p50 worse']);
    expect(outcomes(rounds(1.2, 2.4, 3.6), rounds(1, 2, 3))).toEqual(['p50 better']);
  });

  it('finds none where one round is on the other side, or the middle is within the tolerance', () => {
    expect(outcomes(rounds(1, 1, 1), rounds(2, 2, 0.99))).toEqual(['p50 no difference']);
    expect(outcomes(rounds(1, 1, 1), rounds(1.04, 1.03, 1.3))).toEqual(['p50 no difference']);
  });

  it('compares each round with all of a run of another time', () => {
    expect(outcomes(rounds(1, 2, 3), rounds(1.2, 2.4, 3.6), false)).toEqual(['p50 no difference']);
    expect(outcomes(rounds(1, 2, 3), rounds(3.1, 4), false)).toEqual(['p50 worse']);
  });

  it('says the ratio and its range', () => {
    expect(compare(rounds(1, 2, 4), rounds(2, 6, 4), true, 0.05)).toEqual([
      { name: 'p50', ratio: 2, low: 1, high: 3, outcome: 'no difference' },
    ]);
  });

  it('leaves out what a round has not measured', () => {
    expect(outcomes(rounds(1, null), rounds(1, 2))).toEqual([]);
  });

  it('takes a higher rate for better', () => {
    const rates = (...given: readonly number[]): Summary[] =>
      given.map((rate) => ({ clients: { fromDue: { p50: null, p99: null }, rate } }) as unknown as Summary);
    expect(outcomes(rates(100, 100), rates(120, 130))).toEqual(['rate better']);
    expect(outcomes(rates(100, 100), rates(50, 60))).toEqual(['rate worse']);
  });
});
