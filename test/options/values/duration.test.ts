import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../src/options/values/duration.ts';

describe('a duration', () => {
  it.each([
    [0, 0],
    [250, 250],
    ['250', 250],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['never', Infinity],
    [Infinity, Infinity],
  ])('reads %s as %s ms', (given, milliseconds) => {
    expect(parseDuration(given)).toBe(milliseconds);
  });

  it.each(['', 's', '5 s', '-1s', '5d', '5S', '1e3', '0x10', '5s ', 'Never', -1, NaN, null, true, {}, ['5s']])(
    'refuses %j',
    (given) => {
      expect(parseDuration(given)).toBeUndefined();
    },
  );

  it('is written so that reading gives it back', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });

  it.each([
    [0, '0ms'],
    [250, '250ms'],
    [15_000, '15s'],
    [90_000, '90s'],
    [7_200_000, '2h'],
    [Infinity, 'never'],
  ])('writes %s ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
