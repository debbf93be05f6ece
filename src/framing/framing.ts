/** Makes a decoder from what the user says a message is. */
import { inspect } from 'node:util';
import { HeddleError } from '../errors.ts';
import { checkedField } from './checked-field.ts';
import { ChunkFraming } from './chunk.ts';
import { type CustomFraming, OwnFraming } from './custom.ts';
import { DelimiterFraming } from './delimiter.ts';
import { EndFraming } from './end.ts';
import type { AtEnd, Framing } from './frame.ts';
import type { ServiceFraming } from './framing-spec.ts';
import { HeadThenBodyFraming } from './head.ts';
import { LengthFraming } from './length.ts';
import { LengthFieldFraming } from './length-field.ts';
import { LineFraming } from './line.ts';
import { MarksFraming } from './marks.ts';
import { type FindByte, findByte } from './search.ts';

export type { CustomFraming, Decoded } from './custom.ts';
export type { FramingSpec, ServiceFraming } from './framing-spec.ts';
export { parseFramingSpec } from './parse-framing.ts';

/**
 * Makes the decoder for `spec`. `maxMessageLength` is in bytes and counts a message without what frames it; a custom
 * framing's counts the whole frame, and `chunk` is limited by the size of a read. `find`: how a byte is found in what was
 * read. Throws HEDDLE_INVALID_OPTION.
 */
export function createFraming(
  spec: ServiceFraming | CustomFraming,
  maxMessageLength: number,
  find: FindByte = findByte,
): Framing {
  if (!Number.isSafeInteger(maxMessageLength) || maxMessageLength < 1) {
    throw invalid(`options.maxMessageLength must be a positive integer, got ${inspect(maxMessageLength)}`);
  }
  if (spec === 'chunk') return new ChunkFraming();
  if (spec === 'line') return new LineFraming('lf', 'message', maxMessageLength, find);
  if (spec === 'length') return new LengthFraming(4, maxMessageLength);
  if (spec === 'end') return new EndFraming(maxMessageLength);
  if (typeof spec === 'object' && spec !== null) return fromObject(spec, maxMessageLength, find);
  throw unknownFraming(spec);
}

type Given = Readonly<Record<string, unknown>>;

/** What is made of a framing by what its object says, and what else that object may say. */
const FORMS: readonly {
  readonly key: string;
  readonly others: readonly string[];
  readonly make: (given: Given, limit: number, find: FindByte) => Framing;
}[] = [
  { key: 'decode', others: ['encode', 'refuse', 'state'], make: custom },
  { key: 'line', others: ['atEnd'], make: line },
  { key: 'head', others: ['length'], make: head },
  { key: 'length', others: [], make: length },
  { key: 'delimiter', others: ['start', 'outside', 'atEnd'], make: marks },
];

function fromObject(spec: object, limit: number, find: FindByte): Framing {
  const given = spec as Given;
  if (Array.isArray(spec) || ArrayBuffer.isView(spec)) throw unknownFraming(spec); // Their length is none of this.
  const form = FORMS.find(({ key }) => given[key] !== undefined);
  if (form === undefined) throw unknownFraming(spec);
  const { key, others, make } = form;
  // A framing of the user's own may be an object with more in it, or of a class.
  const knows = (name: string): boolean => name === key || others.includes(name) || given[name] === undefined;
  if (key !== 'decode' && !Object.keys(given).every(knows)) throw unknownFraming(spec);
  return make(given, limit, find);
}

function custom(given: Given, limit: number): Framing {
  for (const name of ['decode', 'encode', 'refuse', 'state']) {
    const part = given[name];
    if (typeof part === 'function' || (part === undefined && name !== 'decode')) continue;
    throw invalid(`options.framing must have functions only, but ${name} is ${inspect(part)}`);
  }
  return new OwnFraming(given as unknown as CustomFraming, limit);
}

function line({ line: ending, atEnd }: Given, limit: number, find: FindByte): Framing {
  if (ending !== 'lf' && ending !== 'crlf') throw wrong('line', "'lf' or 'crlf'", ending);
  return new LineFraming(ending, checkAtEnd(atEnd, 'message'), limit, find);
}

function head({ head: mark, length: lengthOf }: Given, limit: number, find: FindByte): Framing {
  if (typeof lengthOf !== 'function') throw wrong('length', 'a function beside head', lengthOf);
  return new HeadThenBodyFraming(checkMark('head', mark), lengthOf as (head: string) => unknown, limit, find);
}

function length({ length: said }: Given, limit: number): Framing {
  if (said === 1 || said === 2 || said === 4) return new LengthFraming(said, limit);
  if (typeof said === 'object' && said !== null)
    return new LengthFieldFraming(checkedField(said as Given, wrong), limit);
  throw wrong('length', '1, 2, 4 or { size, … }', said);
}

function marks({ delimiter, start, outside = 'refuse', atEnd }: Given, limit: number, find: FindByte): Framing {
  const given = Array.isArray(delimiter) ? (delimiter as unknown[]) : [delimiter];
  const ends = given.map((end) => checkMark('delimiter', end));
  const [end] = ends;
  if (end === undefined) throw wrong('delimiter', 'text or bytes that are not empty, or several', delimiter);
  if (outside !== 'refuse' && outside !== 'skip') throw wrong('outside', "'refuse' or 'skip'", outside);
  if (outside === 'skip' && start === undefined) throw wrong('start', "text or bytes where outside is 'skip'", start);
  const last = checkAtEnd(atEnd, 'refuse');
  if (start === undefined && ends.length === 1) return new DelimiterFraming(end, last, limit, find);
  const begin = start === undefined ? new Uint8Array() : checkMark('start', start);
  return new MarksFraming({ start: begin, ends, outside, atEnd: last }, limit, find);
}

function checkAtEnd(atEnd: unknown, preset: AtEnd): AtEnd {
  if (atEnd === undefined) return preset;
  if (atEnd === 'refuse' || atEnd === 'message') return atEnd;
  throw wrong('atEnd', "'refuse' or 'message'", atEnd);
}

/** Gives a copy: the user may change theirs. */
function checkMark(name: string, mark: unknown): Uint8Array {
  const isGiven = typeof mark === 'string' || mark instanceof Uint8Array;
  if (isGiven && mark.length > 0) return Uint8Array.from(Buffer.from(mark));
  throw wrong(name, 'text or bytes that are not empty', mark);
}

function unknownFraming(spec: unknown): HeddleError {
  const forms =
    "'chunk', 'line', 'length', 'end', { line, atEnd }, { length }, { delimiter, start, outside, atEnd }, { head, length }, or { decode, encode, refuse, state }";
  return invalid(`options.framing must be ${forms}, got ${inspect(spec)}`);
}

/** The error for a part of a framing that is not as it must be. */
function wrong(name: string, expected: string, got: unknown): HeddleError {
  return invalid(`options.framing must have as ${name} ${expected}, got ${inspect(got)}`);
}

function invalid(message: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', message);
}
