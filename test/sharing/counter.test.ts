import { describe, expect, it } from 'vitest';
import { Counter } from '../../src/sharing/counter.ts';
import { runWorker } from '../support/test-worker.ts';

describe('Counter', () => {
  it('starts at 0, adds 1 by default, and returns the sum', () => {
    const counter = new Counter();
    expect([counter.value, counter.add(), counter.add(5), counter.add(-10), counter.value]).toEqual([0, 1, 6, -4, -4]);
  });

  it('counts beyond 32 bits', () => {
    const counter = new Counter();
    counter.add(2 ** 32);
    expect(counter.add(2 ** 40)).toBe(2 ** 32 + 2 ** 40);
    expect(counter.value).toBe(2 ** 32 + 2 ** 40);
  });

  it('is the same counter for whoever has the buffer', () => {
    const counter = new Counter();
    new Counter(counter.buffer).add(3);
    expect(counter.value).toBe(3);
  });

  it('loses nothing when several threads add, and gives each sum once', async () => {
    const counter = new Counter();
    const body = `
      const { Counter } = await load('sharing/counter.ts');
      const counter = new Counter(data.buffer);
      post(Array.from({ length: 5000 }, () => counter.add()));`;
    const sums = await Promise.all([1, 2, 3].map(() => runWorker<number[]>(body, { buffer: counter.buffer })));
    expect(counter.value).toBe(15_000);
    expect(new Set(sums.flat()).size).toBe(15_000);
  });
});
