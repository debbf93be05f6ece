import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import service from '../../src/services/reverse.ts';

const { message: reverse } = service as unknown as { message(message: Buffer): Buffer };

function reversed(text: string): string {
  return reverse(Buffer.from(text)).toString();
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const CLUSTERS = [
  'a',
  ' ',
  'é',
  'e\u0301',
  'ß',
  'ж',
  '漢',
  'か',
  'か\u3099',
  '한',
  '👩‍👩‍👧',
  '🇫🇷',
  '👍🏽',
  '❤️',
  'नि',
  '𝒳',
  '“',
];
/** Characters that join with their neighbours, or might. */
const JOINERS = [
  '\u0301',
  '\u200d',
  '\ufe0f',
  '🇫',
  '👩',
  '🏽',
  '\u1100',
  '\u1161',
  '\u11a8',
  '가',
  '각',
  '\u0600',
  '\r',
  '\n',
  '\u0915',
  '\u094d',
];

describe('reverse', () => {
  it('reverses the bytes it was given, in place', () => {
    const message = Buffer.from('hello from client');
    expect(reverse(message)).toBe(message);
    expect(message.toString()).toBe('tneilc morf olleh');
  });

  it.each([
    ['', ''],
    ['a', 'a'],
    ['né 👩‍👩‍👧', '👩‍👩‍👧 én'],
    ['e\u0301a', 'ae\u0301'],
    ['abc\n', 'cba\n'],
    ['abc\r\n', 'cba\r\n'],
    ['né\r\n', 'én\r\n'],
    ['a\nb\n\n', '\nb\na\n'],
    ['\n', '\n'],
    ['\r\n', '\r\n'],
    ['ab\r', '\rba'],
  ])('turns %j into %j', (text, expected) => {
    expect(reversed(text)).toBe(expected);
  });

  it('reverses invalid UTF-8 by bytes', () => {
    expect(reverse(Buffer.from([0x61, 0xc3, 0xa9, 0xff, 10]))).toEqual(Buffer.from([0xff, 0xa9, 0xc3, 0x61, 10]));
    expect(reverse(Buffer.alloc(300, 0xff).fill(0x61, 0, 1))).toEqual(Buffer.alloc(300, 0xff).fill(0x61, 299));
  });

  it('leaves the bytes around the message alone', () => {
    const buffer = Buffer.from('..né ab..');
    reverse(buffer.subarray(2, buffer.length - 2));
    expect(buffer.toString()).toBe('..ba én..');
  });

  it('reversed twice is as before, for ASCII', () => {
    const body = fc.string({ unit: 'binary-ascii', maxLength: 400 }).filter((text) => !/^[\r\n]|[\r\n]$/.test(text));
    fc.assert(
      fc.property(body, fc.constantFrom('', '\n', '\r\n'), (text, ending) => {
        expect(reversed(text + ending)).toBe([...text].reverse().join('') + ending);
        expect(reversed(reversed(text + ending))).toBe(text + ending);
      }),
    );
  });

  it('reversed twice is as before, for graphemes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...CLUSTERS), { maxLength: 900, size: 'max' }), (clusters) => {
        const text = clusters.join('');
        expect(reversed(text)).toBe(clusters.toReversed().join(''));
        expect(reversed(reversed(text))).toBe(text);
      }),
    );
  });

  it('cuts as the segmenter does, wherever its windows fall', () => {
    const unit = fc.constantFrom(...CLUSTERS, ...JOINERS);
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 60 }),
        fc.nat(30),
        fc.constantFrom('x', '漢'),
        (parts, before, filler) => {
          const text = `${filler.repeat(110 + before)}${parts.join('')}é`;
          expect(reversed(text)).toBe(
            Array.from(segmenter.segment(text), ({ segment }) => segment)
              .reverse()
              .join(''),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('knows the characters that stand by themselves', () => {
    for (let code = 0x20; code <= 0xffff; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCharCode(code);
      const text = `é${character}${character}a`;
      expect(reversed(text)).toBe(
        Array.from(segmenter.segment(text), ({ segment }) => segment)
          .reverse()
          .join(''),
      );
    }
  });

  it('takes a cluster that is longer than a window as a whole', () => {
    const long = `a${'\u0301'.repeat(5000)}`;
    expect(reversed(`x${long}y`)).toBe(`y${long}x`);
  });

  it.each([
    ['ASCII', 'abcdefgh', 1 << 20],
    ['text', 'привет, 漢字 né ', 300_000],
  ])('reverses 8 MB of %s', (_name, part, times) => {
    const expected = [...part].reverse().join('').repeat(times);
    expect(reversed(part.repeat(times)) === expected).toBe(true);
  });
});
