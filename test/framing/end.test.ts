import { describe, expect, it } from 'vitest';
import { Frame, INCOMPLETE, TOO_LONG } from '../../src/framing/frame.ts';
import { createFraming } from '../../src/framing/framing.ts';
import { decodeStream, encode, everyByte } from './decode-stream.ts';

const framing = createFraming('end', 4);

describe('end', () => {
  it('gives all bytes as one message, and only at the end', () => {
    expect(decodeStream(framing, everyByte(Buffer.from('a\nb\n'))).messages).toEqual([]);
    expect(decodeStream(framing, everyByte(Buffer.from('a\nb\n')), { finish: true }).messages).toEqual(['a\nb\n']);
  });

  it('gives nothing for a client that sent nothing', () => {
    expect(framing.finish(Buffer.from('old'), 3, 3, new Frame())).toBe(INCOMPLETE);
  });

  it('refuses one byte too many at once', () => {
    expect(framing.decode(Buffer.from('abcde'), 0, 4, new Frame())).toBe(INCOMPLETE);
    expect(framing.decode(Buffer.from('abcde'), 0, 5, new Frame())).toBe(TOO_LONG);
  });

  it('adds nothing to a reply', () => {
    expect(encode(framing, Buffer.from('ab'))).toEqual(Buffer.from('ab'));
  });
});
