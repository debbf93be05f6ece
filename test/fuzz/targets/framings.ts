/** Holds the built-in framings to a model: whole or in pieces, with any limit, and back from what they encode. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createFraming } from '../../../src/framing/framing.ts';
import { type Decoded, decodeStream, encode, everyByte, split } from '../../framing/decode-stream.ts';
import { target } from '../target.ts';
import { endsOf, expected, latin1, type Modelled, type ModelledField, type ModelledMarks } from './framing-model.ts';

const bytes = (length: number, minLength = 0) =>
  fc.string({
    unit: fc.constantFrom('\n', '\r', '|', '-', '\0', '\x01', 'a', 'b', '\xff'),
    minLength,
    maxLength: length,
  });
const atEnd = fc.constantFrom('refuse' as const, 'message' as const, undefined);
const mark = bytes(5, 1).map((text) => Buffer.from(text, 'latin1'));
const lengthField: fc.Arbitrary<ModelledField> = fc
  .record({
    at: fc.oneof(fc.constant(0), fc.nat(4)),
    size: fc.oneof(
      fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 8 as const, 'varint' as const),
      fc
        .constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 5 as const, 8 as const)
        .map((varint) => ({ varint })),
    ),
    endian: fc.constantFrom('big' as const, 'little' as const),
    counts: fc.constantFrom('rest' as const, 'frame' as const),
    add: fc.oneof(fc.constant(0), fc.integer({ min: -3, max: 5 })),
    message: fc.constantFrom('body' as const, 'frame' as const),
  })
  .filter(({ at, message }) => at === 0 || message === 'frame');
const spec: fc.Arbitrary<Modelled> = fc.oneof(
  fc.constant('end' as const),
  fc.record({ line: fc.constantFrom('lf' as const, 'crlf' as const), atEnd }),
  fc.record({ length: fc.constantFrom(1 as const, 2 as const, 4 as const) }),
  fc.record({ length: lengthField }),
  fc.record({ delimiter: mark, atEnd }),
  fc
    .record({
      delimiter: fc.array(mark, { minLength: 1, maxLength: 3 }),
      start: fc.option(mark, { nil: undefined }),
      outside: fc.constantFrom('refuse' as const, 'skip' as const),
      atEnd,
    })
    .filter(({ start, outside }) => start !== undefined || outside === 'refuse'),
);
const limit = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(255, 256, 257, 70_000));

/** A part of a stream, once it is known what the framing is. */
type Part = (spec: Modelled, limit: number) => string;

const prefix = (size: number, length: number): string => {
  const field = Buffer.alloc(6);
  field.writeUIntBE(length, 0, 6);
  return field.subarray(6 - size).toString('latin1');
};
const suffixOf = (of: Modelled): string =>
  of === 'end' || 'length' in of ? '' : 'line' in of ? '\n' : (endsOf(of.delimiter).at(-1) as string);
const startOf = (of: Modelled): string =>
  typeof of === 'object' && 'start' in of && of.start !== undefined ? latin1(of.start) : '';
const framed = (of: Modelled, body: string, length = body.length): string =>
  typeof of === 'object' && 'length' in of
    ? (typeof of.length === 'number' ? prefix(of.length, length) : header(of.length, length)) + body
    : startOf(of) + body + suffixOf(of);

/** What comes before a body of `length` bytes: the field says as much of it as it can. */
function header({ at, size, endian, counts, add }: ModelledField, length: number): string {
  const before = 'h'.repeat(at);
  if (typeof size === 'number') {
    const says = Math.max(0, length - add + (counts === 'frame' ? at + size : 0)) % 256 ** Math.min(size, 6);
    const field = prefix(Math.min(size, 6), says).padStart(size, '\0');
    return before + (endian === 'big' ? field : [...field].toReversed().join(''));
  }
  let says = Math.max(0, length - add + (counts === 'frame' ? at + 1 : 0));
  let field = '';
  for (; says >= 128; says = Math.floor(says / 128)) field += String.fromCharCode(128 + (says % 128));
  return before + field + String.fromCharCode(says);
}

const largest = (length: number | ModelledField): number => (typeof length === 'number' ? 256 ** length : 2 ** 32);

const part = fc.oneof<fc.Arbitrary<Part>[]>(
  bytes(6).map((text) => () => text),
  bytes(6).map((text) => (of) => framed(of, text)),
  // As long as it may be, give or take two.
  fc.tuple(fc.integer({ min: -2, max: 2 }), fc.constantFrom('x', '\r', '|')).map(
    ([more, letter]): Part =>
      (of, max) =>
        framed(of, letter.repeat(Math.max(0, max + more))),
  ),
  // A part of a delimiter, or a length of which less comes.
  fc.nat(5).map((cut) => (of) => suffixOf(of).slice(0, cut)),
  fc.tuple(bytes(4), fc.nat(2 ** 32 - 1)).map(
    ([text, length]) =>
      (of) =>
        framed(of, text, typeof of === 'object' && 'length' in of ? length % largest(of.length) : 0),
  ),
);

const input = fc.record({
  spec,
  limit,
  parts: fc.array(part, { maxLength: 10 }),
  cuts: fc.array(fc.nat(80), { maxLength: 8 }),
  finish: fc.boolean(),
  offset: fc.nat(9),
  garbage: bytes(8),
});

/** The longest stream that is also given byte by byte. */
const DRIPPED = 2000;

interface Feeding {
  readonly finish: boolean;
  readonly offset: number;
  readonly garbage: string;
}

function check(of: Modelled, max: number, stream: string, cuts: readonly number[], feeding: Feeding): void {
  const all = Buffer.from(stream, 'latin1');
  if (all.length === 0) return;
  const framing = createFraming(of, max);
  const should = expected(of, max, stream, feeding.finish);
  const ways = {
    whole: [all],
    'in pieces': split(all, cuts),
    ...(all.length <= DRIPPED && { 'byte by byte': everyByte(all) }),
  };
  for (const [way, pieces] of Object.entries(ways)) {
    const { messages, outcome }: Decoded = decodeStream(framing, pieces, feeding);
    assert.deepEqual({ messages, outcome }, should, `${way}: ${JSON.stringify(stream.slice(0, 200))}`);
  }
}

/** Whether a field can say the length of `body`; with `frame` a reply is a frame already. */
function isSayable({ size, counts, add, message }: ModelledField, body: string): boolean {
  if (message === 'frame') return false;
  const most = size === 'varint' ? 4 : typeof size === 'number' ? size : size.varint;
  const width = counts === 'frame' ? (typeof size === 'number' ? size : 1) : 0;
  const says = body.length - add + width;
  // A varint that counts itself may be one byte longer.
  return says >= 0 && says + most < (typeof size === 'number' ? 256 : 128) ** most;
}

/** Whether `body` and the mark behind it have no end mark before their end. */
function endsOnlyAtEnd({ delimiter }: ModelledMarks, body: string): boolean {
  const ends = endsOf(delimiter);
  const text = body + (ends[0] as string);
  return ends.every((end) => {
    const at = text.indexOf(end);
    return at < 0 || (at >= body.length && at + end.length === text.length);
  });
}

/** What was encoded comes back, if it may be a message at all. */
function checkBack(of: Modelled, max: number, bodies: readonly string[], cuts: readonly number[]): void {
  const suffix = suffixOf(of);
  const fits = (body: string): boolean => {
    if (body.length > max) return false;
    if (of === 'end') return body !== '';
    if ('length' in of)
      return typeof of.length === 'number' ? body.length < 256 ** of.length : isSayable(of.length, body);
    if ('delimiter' in of) return endsOnlyAtEnd(of, body);
    return (body + suffix).indexOf(suffix) === body.length && !('line' in of && body.endsWith('\r'));
  };
  const sent = bodies.filter(fits).slice(0, of === 'end' ? 1 : Infinity);
  if (sent.length === 0) return;
  const framing = createFraming(of, max);
  const wire = Buffer.concat(sent.map((body) => encode(framing, Buffer.from(body, 'latin1'))));
  if (wire.length === 0) return;
  const { messages, outcome } = decodeStream(framing, split(wire, cuts), { finish: true });
  assert.deepEqual({ messages, outcome }, { messages: sent, outcome: 'open' });
}

/** What the report shows: the stream that the parts make. */
const built = input.map(({ spec: of, limit: max, parts, cuts, finish, offset, garbage }) => ({
  spec: of,
  limit: max,
  parts: parts.map((make) => make(of, max)),
  cuts,
  finish,
  offset,
  garbage,
}));

export const framings = target(
  'framings',
  'all built-in framings: whole, split at every byte, at their limits, there and back',
  fc.property(built, ({ spec: of, limit: max, parts, cuts, finish, offset, garbage }) => {
    check(of, max, parts.join(''), cuts, { finish, offset, garbage });
    checkBack(of, max, parts, cuts);
  }),
);
