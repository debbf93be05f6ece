import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Frame, type FrameStatus, MESSAGE, SKIPPED } from '../../src/framing/frame.ts';
import { type CustomFraming, createFraming, type ServiceFraming } from '../../src/framing/framing.ts';
import { decodeStream, encode, everyByte, split } from './decode-stream.ts';

const MAX = 12;
/** In bytes, of the framings here. */
const LONGEST_HEADER = 8;

/** A length byte, then text; a length over 200 is no message. */
const own: CustomFraming<string, string> = {
  decode(bytes) {
    const length = bytes[0] as number;
    if (length > 200) throw new Error(`no message is ${length} long`);
    if (bytes.length <= length) return undefined;
    return { message: Buffer.from(bytes.slice(1, 1 + length)).toString('latin1'), length: 1 + length };
  },
  encode: (reply) => Buffer.from([reply.length, ...Buffer.from(reply, 'latin1')]),
};

/** Half of the marks are skipped, the rest is a message; the end completes one. */
const lenient: CustomFraming<string> = {
  decode(bytes, _state, ended) {
    if (bytes[0] === 124) return { length: 1 };
    const text = Buffer.from(bytes).toString('latin1');
    const feed = text.indexOf('\n');
    if (feed >= 0) return { message: text.slice(0, feed), length: feed + 1 };
    return ended ? { message: text, length: text.length } : undefined;
  },
};

/** A length byte, then text; asks for what it needs. */
const needing: CustomFraming<string> = {
  decode(bytes) {
    const length = 1 + ((bytes[0] as number) & 15);
    if (bytes.length < length) return { need: length };
    return { message: Buffer.from(bytes.subarray(1, length)).toString('latin1'), length };
  },
};

const specs: [string, ServiceFraming | CustomFraming][] = [
  ['line', 'line'],
  ['line, strictly', { line: 'lf', atEnd: 'refuse' }],
  ['length', 'length'],
  ['length:1', { length: 1 }],
  ['length:2', { length: 2 }],
  ['delimiter of 1 byte', { delimiter: '|' }],
  ['delimiter of 3 bytes that overlaps itself', { delimiter: '|-|' }],
  ['delimiter of equal bytes', { delimiter: '\r\r' }],
  ['delimiter, or the end', { delimiter: '|-|', atEnd: 'message' }],
  ['line with CR LF', { line: 'crlf' }],
  ['length field of 3 bytes, little-endian', { length: { size: 3, endian: 'little' } }],
  ['length field that counts itself and a checksum', { length: { size: 2, counts: 'frame', add: 2 } }],
  ['length field of 8 bytes', { length: { size: 8 } }],
  ['length field, a varint', { length: { size: 'varint' } }],
  ['length field, a varint that counts itself', { length: { size: { varint: 2 }, counts: 'frame' } }],
  ['several delimiters', { delimiter: ['|-|', '\r\n', '\n'] }],
  ['start and end marks', { start: '|', delimiter: '\r\n' }],
  ['start and end marks, and what is outside is skipped', { start: '|-', delimiter: ['|', '\n'], outside: 'skip' }],
  ['end', 'end'],
  ['custom', own],
  ['custom, with skipped bytes and an end', lenient],
  ['custom that needs bytes', needing],
  ['length field inside of the frame', { length: { at: 1, size: 1, message: 'frame' } }],
  ['length field that says more than there is', { length: { at: 2, size: 'varint', add: -2 } }],
  ['head and body', { head: '\r\n', length: (head) => head.length * 2 }],
  ['head that ends with a letter twice', { head: '||', length: (head) => Number(/\d/.exec(head)?.[0] ?? 0) }],
];

/** Bytes that all framings find interesting, in streams in which limits are met and passed. */
const stream = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\r\n',
        '\r',
        '|',
        '-',
        '|-|',
        '\0',
        '\0\0\0\x05',
        '\x03abc',
        '\0\x02ab',
        'x'.repeat(MAX),
        '\xff',
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 14 },
  )
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));
const cuts = fc.array(fc.nat(60), { maxLength: 8 });

describe.each(specs)('%s', (_name, spec) => {
  const framing = createFraming(spec, MAX);

  it('gives the same messages, and the same end, wherever its input is split', () => {
    fc.assert(
      fc.property(stream, cuts, fc.boolean(), fc.nat(9), (bytes, at, finish, offset) => {
        const { needed: _, ...whole } = decodeStream(framing, [bytes], { finish });
        for (const parts of [everyByte(bytes), split(bytes, at)]) {
          if (parts.length === 0) continue;
          expect(decodeStream(framing, parts, { finish, offset })).toMatchObject(whole);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('does not depend on the bytes behind those that were read', () => {
    const garbage = fc.constantFrom('', '\n', '|', '-|', '|-|-|', '\r\r', 'x'.repeat(300), `${'x'.repeat(300)}\n|-|`);
    fc.assert(
      fc.property(stream, garbage, (bytes, behind) => {
        expect(decodeStream(framing, [bytes], { garbage: behind })).toEqual(
          decodeStream(framing, [bytes], { garbage: '' }),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('neither throws, nor leaves its input, nor believes a length above the limit, on 20,000 mutations', () => {
    const random = randomFrom(20_251);
    const bytes = Buffer.from('ab\r\n|-|\r\r\0\0\0\x02xy\x03abc\n', 'latin1');
    const frame = new Frame();
    for (let run = 0; run < 20_000; run++) {
      bytes[random(bytes.length)] = run % 3 === 0 ? random(256) : '\n\r|-\0\x01\x05'.charCodeAt(random(7));
      const from = random(bytes.length);
      const to = from + random(bytes.length - from + 1);
      frame.scanned = 0;
      const status = framing.decode(bytes, from, to, frame);
      if (!isInside(status, frame, from, to)) expect.fail(`${status}: ${inspect(frame)} of ${from}..${to}`);
      framing.finish(bytes, from, to, frame);
    }
  });
});

/** Whether what a decoder says of `[from, to)` is about these bytes, and of no more than the limit. */
function isInside(
  status: FrameStatus,
  { start, end, next, scanned, needed }: Frame,
  from: number,
  to: number,
): boolean {
  if (status === SKIPPED) return from < next && next <= to;
  if (status === MESSAGE) return from <= start && start <= end && end <= next && next <= to;
  return scanned <= to - from && needed <= MAX + LONGEST_HEADER;
}

/** A generator of Lehmer's: the same numbers in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % below;
  };
}

describe.each(specs.slice(0, 18))('%s', (_name, spec) => {
  it('reads back what it wrote', () => {
    const framing = createFraming(spec, MAX);
    const body = fc.stringMatching(/^[a-z]{0,12}$/);
    fc.assert(
      fc.property(fc.array(body, { maxLength: 5 }), cuts, (bodies, at) => {
        const wire = Buffer.concat(bodies.map((text) => encode(framing, Buffer.from(text))));
        expect(decodeStream(framing, split(wire, at), { finish: true })).toMatchObject({
          messages: bodies,
          outcome: 'open',
        });
      }),
    );
  });
});

describe('chunk', () => {
  it('gives what each read returned', () => {
    const framing = createFraming('chunk', 4);
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'grapheme-ascii' })), (parts) => {
        const seen = decodeStream(
          framing,
          parts.map((part) => Buffer.from(part)),
          { finish: true },
        );
        expect(seen).toMatchObject({ messages: parts, outcome: 'open' });
      }),
    );
  });
});
