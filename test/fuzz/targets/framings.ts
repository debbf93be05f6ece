/** Holds the built-in framings to a model: whole or in pieces, with any limit, and back from what they encode. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createFraming } from '../../../src/framing/framing.ts';
import { type Decoded, decodeStream, encode, everyByte, split } from '../../framing/decode-stream.ts';
import { target } from '../target.ts';
import { expected, latin1, type Modelled } from './framing-model.ts';

const bytes = (length: number, minLength = 0) =>
  fc.string({
    unit: fc.constantFrom('\n', '\r', '|', '-', '\0', '\x01', 'a', 'b', '\xff'),
    minLength,
    maxLength: length,
  });
const atEnd = fc.constantFrom('refuse' as const, 'message' as const, undefined);
const spec: fc.Arbitrary<Modelled> = fc.oneof(
  fc.constant('end' as const),
  fc.record({ line: fc.constant('lf' as const), atEnd }),
  fc.record({ length: fc.constantFrom(1 as const, 2 as const, 4 as const) }),
  fc.record({ delimiter: bytes(5, 1).map((text) => Buffer.from(text, 'latin1')), atEnd }),
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
  of === 'end' || 'length' in of ? '' : 'line' in of ? '\n' : latin1(of.delimiter);
const framed = (of: Modelled, body: string, length = body.length): string =>
  typeof of === 'object' && 'length' in of ? prefix(of.length, length) + body : body + suffixOf(of);

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
        framed(of, text, typeof of === 'object' && 'length' in of ? length % 256 ** of.length : 0),
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

/** What was encoded comes back, if it may be a message at all. */
function checkBack(of: Modelled, max: number, bodies: readonly string[], cuts: readonly number[]): void {
  const suffix = suffixOf(of);
  const fits = (body: string): boolean => {
    if (body.length > max) return false;
    if (of === 'end') return body !== '';
    if ('length' in of) return body.length < 256 ** of.length;
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
