import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSize, parseSize } from '../../../src/options/values/size.ts';

describe('a size', () => {
  it.each([
    [0, 0],
    ['512', 512],
    ['512B', 512],
    ['64KiB', 65_536],
    ['1.5KiB', 1_536],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
  ])('reads %s as %s bytes', (given, bytes) => {
    expect(parseSize(given)).toBe(bytes);
  });

  it.each(['', 'B', '1 MiB', '1MB', '1mib', '-1', '1.5B', -1, 1.5, NaN, Infinity, 'Infinity', null, {}])(
    'refuses %j',
    (given) => {
      expect(parseSize(given)).toBeUndefined();
    },
  );

  it('is written so that reading gives it back', () => {
    fc.assert(fc.property(fc.nat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});
