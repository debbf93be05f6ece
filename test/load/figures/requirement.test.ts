import { describe, expect, it } from 'vitest';
import { judge, parseRequirement } from '../../../src/load/figures/requirement.ts';
import type { Summary } from '../../../src/load/figures/summary.ts';

const summary = {
  cpu: 0.0089,
  clients: { fromDue: { p50: 0.1, p90: 0.2, p99: 4.9, 'p99.9': null, worst: 50 }, rate: 999.5, wrong: 0, lost: 2 },
} as unknown as Summary;

const isMet = (text: string): boolean => judge(parseRequirement(text, '--require'), summary).isMet;

describe('requirements', () => {
  it.each([
    'p99<5ms',
    'p99 <= 4.9ms',
    'worst<0.051s',
    'rate>=999.5',
    'lost=2',
    'wrong<1',
    'p50<101us',
    'p50>99µs',
    'cpu<9us',
  ])('are met: %s', (text) => {
    expect(isMet(text)).toBe(true);
  });

  it.each(['p99<4.9ms', 'worst>50ms', 'rate>1000', 'lost=0'])('are missed: %s', (text) => {
    expect(isMet(text)).toBe(false);
  });

  it('are missed where too little was measured to tell', () => {
    expect(isMet('p99.9<1h')).toBe(false);
    expect(judge(parseRequirement('cpu<1h', '--require'), { ...summary, cpu: null }).isMet).toBe(false);
  });

  it.each(['p99', 'p99<5', 'p98<5ms', 'rate>=5ms', '<5ms', 'p99<5ms,lost=0', 'p99!5ms'])('refuse %j', (text) => {
    expect(() => parseRequirement(text, '--require')).toThrow(/^--require must be a condition such as p99<5ms/);
  });
});
