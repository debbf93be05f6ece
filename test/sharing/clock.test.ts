import { describe, expect, it } from 'vitest';
import { ageOf } from '../../src/sharing/clock.ts';

const DAY_MS = 86_400_000;

describe('the age of a moment', () => {
  it.each([
    ['a moment ago', 1000, 1007, 7],
    ['across the end of the clock', -5, 5, 10],
    ['across its middle', 2 ** 31 - 5, -(2 ** 31), 5],
    ['25 days ago', 1, (1 + 25 * DAY_MS) | 0, 25 * DAY_MS],
    ['49 days ago', 1, (1 + 49 * DAY_MS) | 0, 49 * DAY_MS],
    ['noted just after now', 1003, 1000, 0],
  ])('%s', (_what, moment, now, ms) => {
    expect(ageOf(moment, now)).toBe(ms);
  });
});
