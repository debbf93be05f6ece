import { describe, expect, it } from 'vitest';
import { judgeRun, wholeVerdict } from '../../../src/cli/bench/verdict.ts';
import { judge, parseRequirement } from '../../../src/load/figures/requirement.ts';
import type { Summary } from '../../../src/load/figures/summary.ts';

const waits = { count: 1000, p50: 1, p90: 2, p99: 3, 'p99.9': 4, worst: 5 };

function status(
  given: { wrong?: number; lost?: number; late?: number; beside?: number },
  ...required: readonly string[]
) {
  const clients = { wrong: given.wrong ?? 0, lost: given.lost ?? 0, fromDue: waits };
  const beside = [{ wrong: given.beside ?? 0, lost: 0 }];
  const summary = { clients, beside, late: waits, lateShare: given.late ?? 0 } as unknown as Summary;
  const outcomes = required.map((text) => judge(parseRequirement(text, '--require'), summary));
  return judgeRun(summary, outcomes, 1).status;
}

describe('the end of a run', () => {
  it('is wrong before it is late, late before it misses, missed before it loses', () => {
    const all = { wrong: 1, lost: 1, late: 0.5 };
    expect(status(all, 'p99<1ms')).toBe(3);
    expect(status({ ...all, wrong: 0 }, 'p99<1ms')).toBe(5);
    expect(status({ lost: 1 }, 'p99<1ms')).toBe(4);
    expect(status({ lost: 1 }, 'p99<9ms')).toBe(1);
    expect(status({}, 'p99<9ms')).toBe(0);
  });

  it('is wrong if a neighbour got a wrong reply', () => {
    expect(status({ beside: 1 })).toBe(3);
  });

  it('allows messages without a reply where something is required of them', () => {
    expect(status({ lost: 3 }, 'lost<5')).toBe(0);
  });

  it('refuses a verdict on p99.9 and worst sooner than on p99', () => {
    expect(status({ late: 0.005 }, 'p99<9ms')).toBe(0);
    expect(status({ late: 0.005 }, 'p99.9<9ms')).toBe(5);
    expect(status({ late: 0.005 }, 'worst<9ms')).toBe(5);
    expect(status({ late: 0.0005 }, 'worst<9ms')).toBe(0);
    expect(status({ late: 0.02 }, 'p99<9ms')).toBe(5);
  });
});

describe('the end of several runs', () => {
  const run = (end: number) => ({ verdict: { status: end, text: `${end}` } });
  const worse = { name: 'p50', ratio: 2, low: 2, high: 2, outcome: 'worse', isMiss: true } as const;

  it('is that of the run that ends worst', () => {
    expect(wholeVerdict([run(0), run(4), run(1)], []).status).toBe(4);
    expect(wholeVerdict([run(5), run(3)], []).status).toBe(3);
    expect(wholeVerdict([run(0), run(0)], []).status).toBe(0);
  });

  it('is a miss where a run is worse than what it was compared with', () => {
    const comparison = { target: 'b', base: 'a', figures: [worse] };
    expect(wholeVerdict([run(0)], [comparison])).toEqual({ status: 4, text: 'WORSE: p50 of b' });
    expect(wholeVerdict([run(5)], [comparison]).status).toBe(5);
    const shown = { ...comparison, figures: [{ ...worse, isMiss: false }] };
    expect(wholeVerdict([run(0)], [shown]).status).toBe(0);
  });
});
