/** Makes a decoder from what the user says a message is. */
import { inspect } from 'node:util';
import { HeddleError } from '../errors.ts';
import { ChunkFraming } from './chunk.ts';
import { type CustomFraming, OwnFraming } from './custom.ts';
import { DelimiterFraming } from './delimiter.ts';
import { EndFraming } from './end.ts';
import type { AtEnd, Framing } from './frame.ts';
import type { FramingSpec } from './framing-spec.ts';
import { LengthFraming, type LengthSize } from './length.ts';
import { LineFraming } from './line.ts';
import { type FindByte, findByte } from './search.ts';

export type { CustomFraming } from './custom.ts';
export type { FramingSpec } from './framing-spec.ts';
export { parseFramingSpec } from './parse-framing.ts';

/**
 * Makes the decoder for `spec`. `maxMessageLength` is in bytes and counts a message without what frames it; a custom
 * framing's counts the whole frame, and `chunk` is limited by the size of a read. `find`: how a byte is found in what was
 * read. Throws HEDDLE_INVALID_OPTION.
 */
export function createFraming(
  spec: FramingSpec | CustomFraming,
  maxMessageLength: number,
  find: FindByte = findByte,
): Framing {
  if (!Number.isSafeInteger(maxMessageLength) || maxMessageLength < 1) {
    throw invalid(`options.maxMessageLength must be a positive integer, got ${inspect(maxMessageLength)}`);
  }
  if (spec === 'chunk') return new ChunkFraming();
  if (spec === 'line') return new LineFraming('message', maxMessageLength, find);
  if (spec === 'length') return new LengthFraming(4, maxMessageLength);
  if (spec === 'end') return new EndFraming(maxMessageLength);
  if (typeof spec === 'object' && spec !== null) return fromObject(spec, maxMessageLength, find);
  throw unknownFraming(spec);
}

function fromObject(spec: object, limit: number, find: FindByte): Framing {
  if (isCustom(spec)) return new OwnFraming(spec, limit);
  const { atEnd, ...what } = spec as { readonly atEnd?: unknown };
  const [key, ...others] = Object.keys(what);
  if (others.length > 0) throw unknownFraming(spec);
  if (key === 'length' && 'length' in spec && !('atEnd' in spec))
    return new LengthFraming(checkSize(spec.length), limit);
  if (key === 'line' && 'line' in spec && spec.line === 'lf')
    return new LineFraming(checkAtEnd(atEnd, 'message'), limit, find);
  if (key === 'delimiter' && 'delimiter' in spec)
    return new DelimiterFraming(checkDelimiter(spec.delimiter), checkAtEnd(atEnd, 'refuse'), limit, find);
  throw unknownFraming(spec);
}

function checkAtEnd(atEnd: unknown, preset: AtEnd): AtEnd {
  if (atEnd === undefined) return preset;
  if (atEnd === 'refuse' || atEnd === 'message') return atEnd;
  throw invalid(`options.framing.atEnd must be 'refuse' or 'message', got ${inspect(atEnd)}`);
}

function isCustom(spec: object): spec is CustomFraming {
  const hasDecode = 'decode' in spec && typeof spec.decode === 'function';
  const hasEncode = 'encode' in spec && typeof spec.encode === 'function';
  if (hasDecode !== hasEncode) {
    const missing = hasDecode ? 'encode' : 'decode';
    throw invalid(`options.framing needs both decode and encode; ${missing} is not a function`);
  }
  return hasDecode;
}

function checkSize(size: unknown): LengthSize {
  if (size === 1 || size === 2 || size === 4) return size;
  throw invalid(`options.framing.length must be 1, 2 or 4, got ${inspect(size)}`);
}

/** Gives a copy: the user may change theirs. */
function checkDelimiter(delimiter: unknown): Uint8Array {
  const isGiven = typeof delimiter === 'string' || delimiter instanceof Uint8Array;
  if (isGiven && delimiter.length > 0) return Uint8Array.from(Buffer.from(delimiter));
  throw invalid(`options.framing.delimiter must be a text or bytes that are not empty, got ${inspect(delimiter)}`);
}

function unknownFraming(spec: unknown): HeddleError {
  const forms =
    "'chunk', 'line', 'length', 'end', { line: 'lf', atEnd }, { length: 1, 2 or 4 }, { delimiter: text or bytes, atEnd }, or { decode, encode }";
  return invalid(`options.framing must be ${forms}, got ${inspect(spec)}`);
}

function invalid(message: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', message);
}
