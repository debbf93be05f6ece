/** The promise of `docs/no-client-waits.md`, held by the real policy over simulated threads and CPUs. */
import { describe, expect, it } from 'vitest';
import { loadAtZero } from '../../bench/simulation/clock.ts';

const { defaultThreads, run } = await loadAtZero(() => import('../../bench/simulation/scenario.ts'));

const CPUS = 2;
const { max } = defaultThreads(CPUS);
const scenario = {
  way: 'heddle',
  cpus: CPUS,
  mix: 'heavy',
  lights: 8,
  neighbours: 4 * max,
  ms: 5000,
  seed: 1,
} as const;

describe('light clients beside heavy ones, simulated', () => {
  it('is the same in each run', () => {
    const short = { ...scenario, ms: 1000 };
    expect(run(short)).toEqual(run(short));
  });

  it.each([max - 1, max, max + 4])('wait at most 25 ms after 2 s beside %i heavy clients', (neighbours) => {
    expect(run({ ...scenario, neighbours }).worst).toBeLessThanOrEqual(25);
  });

  it('wait at most 300 ms while four times as many heavy clients as threads are unknown', () => {
    const { worst, worstFirst } = run(scenario);
    expect(worstFirst).toBeLessThanOrEqual(300);
    expect(worst).toBeLessThanOrEqual(300);
  });

  it('would wait for seconds without the waiting room', () => {
    expect(run({ ...scenario, way: 'before' }).worst).toBeGreaterThan(1000);
  });
});
