import { describe, expect, it } from 'vitest';
import { compare } from '../../../src/load/figures/comparison.ts';
import type { Summary } from '../../../src/load/figures/summary.ts';

const rounds = (...p50s: readonly (number | null)[]): Summary[] => p50s.map((p50) => round({ p50 }));

/** A round in which only what is given was measured; `cpu`: CPU time in ms for each reply. */
function round(given: { p50?: number | null; worst?: number; rate?: number; cpu?: number }): Summary {
  const { cpu = null, p50 = null, rate = 0, worst = null } = given;
  const fromDue = { p50, p90: null, p99: null, 'p99.9': null, worst };
  return { clients: { fromDue, rate }, beside: [], cpu, seconds: 1 } as unknown as Summary;
}

const outcomes = (base: readonly Summary[], other: readonly Summary[], isPaired = true) =>
  compare(base, other, isPaired, 0.05).map(({ name, outcome }) => `${name} ${outcome}`);

describe('a comparison', () => {
  it('finds a difference where all rounds are on one side', () => {
    expect(outcomes(rounds(1, 2, 3), rounds(1.2, 2.4, 3.6))).toEqual(['p50 worse']);
    expect(outcomes(rounds(1.2, 2.4, 3.6), rounds(1, 2, 3))).toEqual(['p50 better']);
  });

  it('finds none where one round is on the other side', () => {
    expect(outcomes(rounds(1, 1, 1), rounds(2, 2, 0.99))).toEqual(['p50 no difference']);
    expect(outcomes(rounds(1, 1, 1), rounds(2, 2, 1))).toEqual(['p50 no difference']);
  });

  it('says of one that is within the tolerance that it is slight', () => {
    expect(outcomes(rounds(1, 1, 1), rounds(1.04, 1.03, 1.3))).toEqual(['p50 slight']);
    expect(outcomes(rounds(1, 1, 1), rounds(0.96, 0.97, 0.8))).toEqual(['p50 slight']);
  });

  it('shows the worst wait, but judges no run by it', () => {
    const misses = (base: Summary[], other: Summary[]) =>
      compare(base, other, true, 0.05).map(({ isMiss, name, outcome }) => [name, outcome, isMiss]);
    expect(misses([round({ p50: 1, worst: 9 })], [round({ p50: 2, worst: 99 })])).toEqual([
      ['p50', 'worse', true],
      ['worst', 'worse', false],
    ]);
    expect(misses([round({ p50: 2 })], [round({ p50: 1 })])).toEqual([['p50', 'better', false]]);
  });

  it('compares CPU time where there is more of it than the clock of a process can miss', () => {
    const cpu = (ms: number): Summary[] => [round({ rate: 1_000, cpu: ms / 1_000 })];
    expect(outcomes(cpu(200), cpu(300))).toEqual(['rate no difference', 'cpu worse']);
    expect(outcomes(cpu(190), cpu(300))).toEqual(['rate no difference']);
  });

  it('compares each round with all of a run of another time', () => {
    expect(outcomes(rounds(1, 2, 3), rounds(1.2, 2.4, 3.6), false)).toEqual(['p50 no difference']);
    expect(outcomes(rounds(1, 2, 3), rounds(3.1, 4), false)).toEqual(['p50 worse']);
  });

  it('says the ratio and its range', () => {
    expect(compare(rounds(1, 2, 4), rounds(2, 6, 4), true, 0.05)).toEqual([
      { name: 'p50', ratio: 2, low: 1, high: 3, outcome: 'no difference', isMiss: false },
    ]);
  });

  it('leaves out what a round has not measured', () => {
    expect(outcomes(rounds(1, null), rounds(1, 2))).toEqual([]);
  });

  it('takes a higher rate for better', () => {
    const rates = (...given: readonly number[]): Summary[] => given.map((rate) => round({ rate }));
    expect(outcomes(rates(100, 100), rates(120, 130))).toEqual(['rate better']);
    expect(outcomes(rates(100, 100), rates(50, 60))).toEqual(['rate worse']);
  });
});
