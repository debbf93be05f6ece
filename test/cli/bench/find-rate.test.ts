import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findRate, type StepOutcome } from '../../../src/cli/bench/find-rate.ts';

async function search(start: number, outcome: (rate: number, tries: number) => StepOutcome) {
  const tried: number[] = [];
  const found = await findRate(
    start,
    async (rate) => {
      tried.push(rate);
      return outcome(rate, tried.length);
    },
    () => tried.length > 200,
  );
  return { found, tried };
}

it('finds the highest rate to within 5 %, wherever it starts, and tries it three times', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 100_000 }),
      async (most, start) => {
        const { found, tried } = await search(start, (rate) => (rate <= most ? 'kept' : 'missed'));
        expect(found.rate).toBeLessThanOrEqual(most);
        expect(found.rate * 1.05 + 1).toBeGreaterThanOrEqual(most);
        expect(tried.filter((rate) => rate === found.rate).length).toBe(3);
        expect(tried.length).toBeLessThan(50);
      },
    ),
  );
});

it('goes lower if what was found is not kept again', async () => {
  const { found } = await search(100, (rate, tries) => (rate <= (tries < 10 ? 1_000 : 500) ? 'kept' : 'missed'));
  expect(found.rate).toBeLessThanOrEqual(500);
  expect(found.rate).toBeGreaterThan(400);
});

it('says what the limit was', async () => {
  expect((await search(100, (rate) => (rate < 500 ? 'kept' : 'late'))).found.limit).toBe('late');
  expect((await search(100, () => 'missed')).found).toEqual({ rate: 0, limit: 'missed' });
  const { found, tried } = await search(100, (rate) => (rate > 50 ? 'missed' : 'unknown'));
  expect([found, tried.length]).toEqual([{ rate: 0, limit: 'unknown' }, 2]);
});

it('ends when it is told to', async () => {
  const { tried } = await search(1, () => 'kept');
  expect(tried.length).toBe(201);
});
