import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REVERSE_ASCII } from '../../src/services/reverse-ascii-module.ts';
import service from '../../src/services/reverse.ts';
import { makeThreadMemory } from '../../src/thread/thread-memory.ts';

const { message: reverse, start } = service as unknown as {
  message(message: Buffer): Buffer;
  start(thread: object): void;
};
const { input, whole } = makeThreadMemory();
start({ id: 1, shared: {}, memory: whole });

/** Puts `bytes` at `at`, among others that are not ASCII, and gives what becomes of them and of the whole memory. */
function reversedAt(at: number, bytes: Buffer): { reversed: Buffer; around: Buffer } {
  input.fill(0xee);
  bytes.copy(input, at);
  const message = input.subarray(at, at + bytes.length);
  expect(reverse(message)).toBe(message);
  const around = Buffer.concat([input.subarray(0, at), input.subarray(at + bytes.length)]);
  return { reversed: Buffer.from(message), around };
}

/** The same by the definition: bytes, but for a line ending. */
function expected(bytes: Buffer): Buffer {
  const [, body = '', ending = ''] = /^(.*?)(\r?\n)?$/s.exec(bytes.toString('latin1')) ?? [];
  return Buffer.from(Array.from(body).reverse().join('') + ending, 'latin1');
}

const untouched = (bytes: Buffer): Buffer => Buffer.alloc(input.length - bytes.length, 0xee);

describe('reverse, in the memory of its thread', () => {
  it('reverses every length up to 200, and leaves alone what is around', () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Buffer.from(Array.from({ length }, (_, index) => 32 + (index % 95)));
      const { reversed, around } = reversedAt(100 + (length % 16), bytes);
      expect(reversed).toEqual(expected(bytes));
      expect(around.equals(untouched(bytes))).toBe(true);
    }
  });

  it('reverses ASCII wherever it lies, with and without a line ending', () => {
    const text = fc.string({ unit: 'binary-ascii', maxLength: 300 });
    fc.assert(
      fc.property(text, fc.constantFrom('', '\n', '\r\n'), fc.nat(400), (body, ending, at) => {
        const bytes = Buffer.from(body + ending);
        expect(reversedAt(at, bytes).reversed).toEqual(expected(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it('sees one character that is not ASCII wherever it is', () => {
    for (const length of [2, 3, 15, 16, 17, 18, 31, 32, 33, 63, 64, 65, 100]) {
      for (let place = 0; place <= length - 2; place++) {
        const text = `${'a'.repeat(place)}é${'b'.repeat(length - 2 - place)}`;
        const { reversed, around } = reversedAt(33, Buffer.from(text));
        expect(String(reversed)).toBe(Array.from(text).reverse().join(''));
        expect(around.equals(untouched(reversed))).toBe(true);
      }
    }
  });

  it('reverses by bytes what is no text', () => {
    const bytes = Buffer.from('abcdefghijklmnopqrstuvwxyz\xff', 'latin1');
    expect(reversedAt(5, bytes).reversed).toEqual(expected(bytes));
  });

  it('reverses other text by what is read as a character', () => {
    for (const text of ['né 👩‍👩‍👧', 'abcdefghijklmnopqrstuvwxyz é', 'é abcdefghijklmnopqrstuvwxyz\n']) {
      const [, body = '', ending = ''] = /^(.*?)(\n?)$/.exec(text) ?? [];
      const clusters = Array.from(new Intl.Segmenter().segment(body), ({ segment }) => segment);
      expect(String(reversedAt(7, Buffer.from(text)).reversed)).toBe(clusters.reverse().join('') + ending);
    }
  });

  it('reverses at both ends of what is read, and all of it', () => {
    const bytes = Buffer.from('0123456789'.repeat(7));
    expect(reversedAt(input.length - bytes.length, bytes).reversed).toEqual(expected(bytes));
    expect(reversedAt(0, bytes).reversed).toEqual(expected(bytes));
    const all = Buffer.alloc(input.length, 'abcdefghijklmnopqrstuvwxyz');
    expect(reversedAt(0, all).reversed.equals(expected(all))).toBe(true);
  });

  it('reverses a message that is longer than what one read takes, and so lies elsewhere', () => {
    const long = Buffer.alloc(input.length + 1, 'abcdefghijklmnopqrstuvwxyz');
    const before = Buffer.from(long);
    expect(reverse(long).equals(expected(before))).toBe(true);
    const ended = Buffer.concat([Buffer.alloc(input.length, 'xy'), Buffer.from('\n')]);
    expect(String(reverse(ended).subarray(0, 4))).toBe('yxyx');
  });
});

describe('its module', () => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(REVERSE_ASCII), {
    heddle: { memory: whole as WebAssembly.Memory },
  });
  const { reverse: reverseAscii } = exports as { reverse(at: number, length: number): number };

  it('takes ASCII, whatever lies around it', () => {
    for (let length = 0; length <= 70; length++) {
      input.fill(0xff).fill('a', 40, 40 + length);
      expect(reverseAscii(40, length)).toBe(1);
    }
  });

  it('leaves all as it was where one byte is not ASCII', () => {
    for (let length = 1; length <= 70; length++) {
      for (let place = 0; place < length; place++) {
        input.fill('ab').fill(0x80, 40 + place, 41 + place);
        const before = Buffer.from(input.subarray(0, 200));
        expect(reverseAscii(40, length)).toBe(0);
        expect(input.subarray(0, 200).equals(before)).toBe(true);
      }
    }
  });
});
