import { describe, expect, it } from 'vitest';
import { LastHour } from '../../../src/server/watch/last-hour.ts';

const MINUTE = 60_000;

describe('the last hour', () => {
  it('has what happened in it, and forgets what was before, to five minutes', () => {
    const hour = new LastHour();
    hour.add(3, 0);
    hour.add(4, 30 * MINUTE);
    expect(hour.total(54 * MINUTE)).toBe(7);
    expect(hour.total(61 * MINUTE)).toBe(4);
    hour.add(1, 61 * MINUTE);
    expect(hour.total(84 * MINUTE)).toBe(5);
    expect(hour.total(91 * MINUTE)).toBe(1);
    expect(hour.total(2000 * MINUTE)).toBe(0);
  });
});
