import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findByte, findBytes } from '../../src/framing/search.ts';

describe('findByte', () => {
  it('finds the first in the given range, in small and in large buffers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(9, 10), { maxLength: 40 }),
        fc.nat(40),
        fc.nat(40),
        fc.constantFrom(0, 1, 5000),
        (list, a, b, more) => {
          const bytes = Buffer.concat([Buffer.from(list), Buffer.alloc(more, 9), Buffer.from([10])]);
          const from = Math.min(a, b, list.length);
          const to = Math.min(Math.max(a, b), list.length);
          const expected = list.slice(from, to).indexOf(10);
          expect(findByte(bytes, 10, from, to)).toBe(expected === -1 ? -1 : from + expected);
        },
      ),
    );
  });
});

describe('findBytes', () => {
  it('finds the first that lies in the range as a whole', () => {
    const bits = (maxLength: number) => fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength });
    fc.assert(
      fc.property(bits(30), bits(4), fc.nat(30), (list, pattern, end) => {
        const to = Math.min(end, list.length);
        const expected = Buffer.from(list.slice(0, to)).indexOf(Buffer.from(pattern));
        expect(findBytes(Buffer.from(list), Uint8Array.from(pattern), 0, to)).toBe(expected);
      }),
    );
  });
});
