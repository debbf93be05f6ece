import { describe, expect, it } from 'vitest';
import { HeddleError } from '../../src/errors.ts';
import { Frame, INCOMPLETE, MESSAGE, TOO_LONG } from '../../src/framing/frame.ts';
import { createFraming } from '../../src/framing/framing.ts';
import { decodeStream, encode } from './decode-stream.ts';

describe('length', () => {
  it('is big-endian, 4 bytes where no size is given', () => {
    const bytes = Buffer.alloc(4 + 0x0102, 'x');
    bytes.set([0, 0, 1, 2]);
    expect(decodeStream(createFraming('length', 1000), [bytes]).messages).toEqual(['x'.repeat(0x0102)]);
    expect(decodeStream(createFraming({ length: 2 }, 1000), [bytes.subarray(2)]).messages).toEqual([
      'x'.repeat(0x0102),
    ]);
  });

  it('gives an empty message for length 0', () => {
    expect(decodeStream(createFraming({ length: 1 }, 9), [Buffer.from([0, 1, 65, 0])]).messages).toEqual(['', 'A', '']);
  });

  it.each([
    [[0, 0, 0, 5], INCOMPLETE],
    [[0, 0, 0, 6], TOO_LONG],
    [[0xff, 0xff, 0xff, 0xff], TOO_LONG],
  ])('judges the header %j alone by a limit of 5', (header, status) => {
    expect(createFraming('length', 5).decode(Buffer.from(header), 0, 4, new Frame())).toBe(status);
  });

  it('takes the largest length for what it is where the limit allows it', () => {
    const frame = new Frame();
    expect(createFraming('length', 2 ** 32).decode(Buffer.alloc(4, 0xff), 0, 4, frame)).toBe(INCOMPLETE);
    expect(frame.needed).toBe(2 ** 32 + 3);
  });

  it('says how many bytes it needs once the header is there, and not before', () => {
    const framing = createFraming({ length: 2 }, 1000);
    const frame = new Frame();
    framing.decode(Buffer.from([9, 9, 3, 0xe8, 65]), 2, 5, frame);
    expect(frame.needed).toBe(1002);
    framing.decode(Buffer.from([3, 0xe8]), 0, 1, frame);
    expect(frame.needed).toBe(0);
    expect(framing.decode(Buffer.from([0, 1, 65]), 0, 3, frame)).toBe(MESSAGE);
  });

  it('calls a part of a header or of a body bad at the end', () => {
    const framing = createFraming({ length: 2 }, 1000);
    expect(decodeStream(framing, [Buffer.from([0])], { finish: true }).outcome).toBe('bad');
    expect(decodeStream(framing, [Buffer.from([0, 2, 65])], { finish: true }).problem).toContain(
      '3 bytes after the last one',
    );
  });

  it('writes the length before a reply', () => {
    expect(encode(createFraming('length', 9), Buffer.from('AB'))).toEqual(Buffer.from([0, 0, 0, 2, 65, 66]));
    expect(encode(createFraming({ length: 2 }, 9), Buffer.from('AB'))).toEqual(Buffer.from([0, 2, 65, 66]));
    expect(encode(createFraming({ length: 1 }, 9), Buffer.from('AB'))).toEqual(Buffer.from([2, 65, 66]));
    const four = Buffer.alloc(4);
    createFraming('length', 9).writePrefix(2 ** 32 - 1, four, 0);
    expect(four).toEqual(Buffer.alloc(4, 0xff));
  });

  it.each([1, 2, 4] as const)(
    'refuses a reply that %i bytes cannot say, and takes the largest that they can',
    (length) => {
      const framing = createFraming({ length }, 9);
      const largest = 256 ** length - 1;
      expect(framing.writePrefix(largest, Buffer.alloc(4), 0)).toBe(length);
      const write = () => framing.writePrefix(largest + 1, Buffer.alloc(4), 0);
      expect(write).toThrow(HeddleError);
      expect(write).toThrow(expect.objectContaining({ code: 'HEDDLE_MESSAGE_TOO_LONG' }));
      expect(write).toThrow(`at most ${largest}`);
    },
  );
});
