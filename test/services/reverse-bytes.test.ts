import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import service from '../../src/services/reverse-bytes.ts';

const { message: reverse } = service as unknown as { message(message: Buffer): Buffer };

describe('reverse-bytes', () => {
  it('reverses every byte, also of text and of its line ending', () => {
    expect(reverse(Buffer.from('né\r\n'))).toEqual(Buffer.from([10, 13, 0xa9, 0xc3, 0x6e]));
  });

  it('reversed twice is as before', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(Uint8Array.from(reverse(Buffer.from(bytes)))).toEqual(bytes.toReversed());
        expect(Uint8Array.from(reverse(reverse(Buffer.from(bytes))))).toEqual(bytes);
      }),
    );
  });
});
