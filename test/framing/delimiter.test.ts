import { describe, expect, it } from 'vitest';
import { createFraming } from '../../src/framing/framing.ts';
import { decodeStream, encode, everyByte } from './decode-stream.ts';

function decode(delimiter: string | Uint8Array, text: string, max = 4) {
  return decodeStream(createFraming({ delimiter }, max), [Buffer.from(text)], { finish: true });
}

describe('delimiter', () => {
  it('takes the first that fits where it overlaps itself', () => {
    expect(decode('aab', 'xaaab').messages).toEqual(['xa']);
    expect(decode('aa', 'aaaa').messages).toEqual(['', '']);
  });

  it('counts the message without the delimiter', () => {
    expect(decode('--', 'abcd--').messages).toEqual(['abcd']);
    expect(decode('--', 'abcde--').outcome).toBe('too long');
    expect(decode('--', 'abcd-').outcome).toBe('bad');
    expect(decode('--', 'abcd-x').outcome).toBe('too long');
  });

  it('takes what is left over at the end for a message only if it is told to', () => {
    const end = (atEnd: 'refuse' | 'message', text: string) =>
      decodeStream(createFraming({ delimiter: '--', atEnd }, 4), [Buffer.from(text)], { finish: true });
    expect(end('message', 'ab--cd')).toMatchObject({ messages: ['ab', 'cd'], outcome: 'open' });
    expect(end('message', 'ab--c-').messages).toEqual(['ab', 'c-']);
    expect(end('message', 'ab--').messages).toEqual(['ab']);
    expect(end('message', 'abcd-').outcome).toBe('too long');
    expect(end('refuse', 'ab--cd')).toMatchObject({ messages: ['ab'], outcome: 'bad' });
  });

  it('finds a delimiter that comes in parts', () => {
    const framing = createFraming({ delimiter: '|-|' }, 4);
    expect(decodeStream(framing, everyByte(Buffer.from('ab|-|-|-|'))).messages).toEqual(['ab', '-']);
  });

  it('may be bytes, which are copied, or text, which is UTF-8', () => {
    const bytes = Buffer.from([0xff, 0]);
    const framing = createFraming({ delimiter: bytes }, 4);
    bytes.fill(1);
    expect(encode(framing, Buffer.from('a'))).toEqual(Buffer.from([97, 0xff, 0]));
    expect(encode(createFraming({ delimiter: 'é' }, 4), Buffer.from('a'))).toEqual(Buffer.from([97, 0xc3, 0xa9]));
  });
});
