import { describe, expect, it } from 'vitest';
import { Frame, INCOMPLETE, TOO_LONG } from '../../src/framing/frame.ts';
import { createFraming } from '../../src/framing/framing.ts';
import { decodeStream, encode } from './decode-stream.ts';

const framing = createFraming('line', 4);

function decode(text: string, finish = true) {
  return decodeStream(framing, [Buffer.from(text)], { finish });
}

describe('line', () => {
  it('takes one carriage return with the line feed, and only that one', () => {
    expect(decode('a\nb\r\nc\r\r\n\r\n\nd\re\n').messages).toEqual(['a', 'b', 'c\r', '', '', 'd\re']);
  });

  it('does not take a carriage return that lies before the message', () => {
    const frame = new Frame();
    framing.decode(Buffer.from('\r\n'), 1, 2, frame);
    expect([frame.start, frame.end, frame.next]).toEqual([1, 1, 2]);
  });

  it('counts the message without its ending', () => {
    expect(decode('abcd\n').messages).toEqual(['abcd']);
    expect(decode('abcd\r\n').messages).toEqual(['abcd']);
    expect(decode('abcde\n')).toMatchObject({
      outcome: 'too long',
      problem: 'a message is longer than 4 bytes (maxMessageLength)',
    });
    expect(decode('abcd\r\r\n').outcome).toBe('too long');
  });

  it.each([
    ['abcd', 4, INCOMPLETE],
    ['abcd\r', 5, INCOMPLETE],
    ['abcde', 5, TOO_LONG],
    ['abcd\r\r', 6, TOO_LONG],
  ])('refuses as soon as no ending can help: %j', (text, to, status) => {
    expect(framing.decode(Buffer.from(text), 0, to, new Frame())).toBe(status);
  });

  it('looks at no byte twice', () => {
    const frame = new Frame();
    expect(framing.decode(Buffer.from('abc'), 0, 3, frame)).toBe(INCOMPLETE);
    expect(frame.scanned).toBe(3);
    expect(framing.decode(Buffer.from('\n\n\n'), 0, 3, frame)).toBe(INCOMPLETE);
  });

  it('takes a last line without its end, and one carriage return with it', () => {
    expect(decode('a\nbc').messages).toEqual(['a', 'bc']);
    expect(decode('a\nabcd\r').messages).toEqual(['a', 'abcd']);
    expect(decode('b\r').messages).toEqual(['b']);
    expect(decode('\r').messages).toEqual(['']);
    expect(decode('a\n')).toMatchObject({ messages: ['a'], outcome: 'open' });
    expect(decode('')).toMatchObject({ messages: [], outcome: 'open' });
    expect(decode('a\nabcde').outcome).toBe('too long');
  });

  it('calls left-over bytes bad and says how many, where the end of the input is no end of a line', () => {
    const strict = createFraming({ line: 'lf', atEnd: 'refuse' }, 4);
    const end = (text: string) => decodeStream(strict, [Buffer.from(text)], { finish: true });
    expect(end('a\nbc').problem).toBe('the input ended part-way through a message, 2 bytes after the last one');
    expect(end('b').problem).toBe('the input ended part-way through a message, 1 byte after the last one');
    expect(end('a\n').outcome).toBe('open');
  });

  it('ends a reply with a line feed', () => {
    expect(encode(framing, Buffer.from('né'))).toEqual(Buffer.from([0x6e, 0xc3, 0xa9, 10]));
    expect(encode(framing, Buffer.alloc(0))).toEqual(Buffer.from([10]));
  });
});
