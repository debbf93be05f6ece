import { describe, expect, it } from 'vitest';
import { HeapMeter } from '../../src/thread/heap-meter.ts';

describe('the heap of a thread', () => {
  it('is noted at once, and then once a second at most', () => {
    const row = { heapUsed: 0 };
    const meter = new HeapMeter(row);
    meter.look(0);
    expect(row.heapUsed).toBeGreaterThan(2 ** 20);
    for (const [now, isNoted] of [
      [999, false],
      [1000, true],
      [1500, false],
      [9000, true],
    ] as const) {
      row.heapUsed = 0;
      meter.look(now);
      expect(row.heapUsed > 0).toBe(isNoted);
    }
  });
});
