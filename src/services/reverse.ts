/** Replies with the message reversed as a person means it: text stays readable, and a line ending stays at the end. */
import { isAscii, isUtf8 } from 'node:buffer';
import { defineService } from 'heddle';

export default defineService({
  borrow: true,
  message: reverse,
});

/** Reverses in place and returns the same bytes: the message is ours during the call, so nothing is copied. */
function reverse(message: Buffer): Buffer {
  const end = message.length - lineEndingLength(message);
  if (end <= SHORT && reverseShortAscii(message, end)) return message;
  const body = message.subarray(0, end);
  if (isAscii(body) || !isUtf8(body)) body.reverse();
  else body.write(reverseText(body.toString()));
  return message;
}

function lineEndingLength(bytes: Buffer): number {
  const { length } = bytes;
  if (bytes[length - 1] !== 10) return 0;
  return bytes[length - 2] === 13 ? 2 : 1;
}

/** Up to here one loop costs less than the native calls: 80 ns against 200 for 64 bytes. Beyond, they are faster. */
const SHORT = 128;

/** Checks and reverses in one go; bytes that are not all ASCII are left as they were. */
function reverseShortAscii(bytes: Buffer, end: number): boolean {
  if (swapEnds(bytes, end) < 0x80) return true;
  swapEnds(bytes, end);
  return false;
}

/** Reverses `bytes[0, end)`; gives all of them ORed together. */
function swapEnds(bytes: Buffer, end: number): number {
  let seen = 0;
  for (let left = 0, right = end - 1; left <= right; left++, right--) {
    const byte = bytes[left] as number;
    const other = bytes[right] as number;
    seen |= byte | other;
    bytes[left] = other;
    bytes[right] = byte;
  }
  return seen;
}

/** A segmenter's step costs time in proportion to the whole text: at 64 Ki characters 100 times what it costs here. */
const WINDOW = 128;

/** Reverses by grapheme cluster, a window at a time. A window's last cluster may go on, so it begins the next window. */
function reverseText(text: string): string {
  let reversed = '';
  let size = WINDOW;
  for (let from = 0; from < text.length; ) {
    const to = endOfCharacter(text, from + size);
    const clusters = clustersOf(text.slice(from, to));
    if (to < text.length) clusters.pop();
    const part = clusters.reverse().join('');
    reversed = part + reversed;
    from += part.length;
    size = part === '' ? size * 2 : WINDOW;
  }
  return reversed;
}

/** Gives `at`, or one more where it would cut a surrogate pair in two. */
function endOfCharacter(text: string, at: number): number {
  const isInPair = (text.codePointAt(at - 1) ?? 0) > 0xffff;
  return isInPair ? at + 1 : at;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Latin, Greek, Cyrillic, kana, Chinese, Hangul: each character a cluster by itself, so splitting is enough. 20 times faster. */
const PLAIN =
  /^[\n\x20-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u1fff\u2010-\u2027\u3000-\u3029\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9d]*$/;

function clustersOf(text: string): string[] {
  return PLAIN.test(text) ? text.split('') : Array.from(graphemes.segment(text), ({ segment }) => segment);
}
