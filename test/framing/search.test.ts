import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findByte, findBytes } from '../../src/framing/search.ts';
import { makeThreadMemory } from '../../src/thread/thread-memory.ts';

const { input, findByte: findInMemory } = makeThreadMemory();

describe.each([
  ['findByte', findByte],
  ['findByteIn, in another buffer', findInMemory],
])('%s', (_name, find) => {
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
          expect(find(bytes, 10, from, to)).toBe(expected === -1 ? -1 : from + expected);
        },
      ),
    );
  });
});

describe('findByteIn', () => {
  it('finds the first in the given range, for every byte, place and length', () => {
    const byte = fc.nat(255);
    const place = fc.oneof(fc.nat(100), fc.nat(input.length));
    fc.assert(
      fc.property(
        byte,
        byte,
        place,
        fc.nat(100),
        fc.array(fc.nat(99), { maxLength: 3 }),
        (wanted, fill, at, length, hits) => {
          const to = Math.min(at + length, input.length);
          input.fill(fill === wanted ? fill ^ 1 : fill);
          for (const hit of hits) if (at + hit < input.length) input[at + hit] = wanted;
          const expected = input.subarray(at, to).indexOf(wanted);
          expect(findInMemory(input, wanted, at, to)).toBe(expected === -1 ? -1 : at + expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('does not take what lies right behind the range, nor behind the buffer', () => {
    input.fill('\n');
    expect(findInMemory(input, 10, 20, 20)).toBe(-1);
    input.fill(' ');
    input[40] = 10;
    for (let from = 0; from <= 40; from++) expect(findInMemory(input, 10, from, 40)).toBe(-1);
    input.fill(1); // What follows the buffer is 0.
    expect(findInMemory(input, 0, 0, input.length)).toBe(-1);
    expect(findInMemory(input, 1, input.length - 1, input.length)).toBe(input.length - 1);
  });
});

describe.each([
  ['findByte', findByte, (bytes: Buffer) => bytes],
  ['findByteIn', findInMemory, (bytes: Buffer) => (bytes.copy(input.fill(1)), input)],
])('findBytes with %s', (_name, find, put) => {
  it('finds the first that lies in the range as a whole', () => {
    const bits = (maxLength: number) => fc.array(fc.constantFrom(1, 2), { minLength: 1, maxLength });
    fc.assert(
      fc.property(bits(30), bits(4), fc.nat(30), (list, pattern, end) => {
        const to = Math.min(end, list.length);
        const expected = Buffer.from(list.slice(0, to)).indexOf(Buffer.from(pattern));
        expect(findBytes(find, put(Buffer.from(list)), Uint8Array.from(pattern), 0, to)).toBe(expected);
      }),
    );
  });
});
