/** Makes values for options: some that are right, most that nearly are, and some that are nothing of the kind. */
import fc from 'fast-check';
import { connectSchema } from '../../../src/options/connect-options.ts';
import type { Schema } from '../../../src/options/schema.ts';
import { serveSchema } from '../../../src/options/serve-options.ts';

/** Texts that some option takes, and texts that look like one. */
const TEXTS = [
  // Numbers, durations, sizes, ranges.
  ...'1 0 -1 65535 65536 1e3 0x10 1.5 NaN Infinity ٣ 5s 5 1.5m -1s 100000h never 0ms s 64KiB 1MiB 8EiB 64kB 1e9B'.split(
    ' ',
  ),
  ...'2..4 4..2 1.. .. 0..0 1..501 2..24..3'.split(' '),
  // Addresses and paths.
  ...'127.0.0.1 ::1 [::1] fe80::1%lo ::ffff:1.2.3.4 1.2.3 localhost 10.0.0.0/8 10.0.0.0/33 ::/0 /8 unix'.split(' '),
  ...':1 127.0.0.1:4000 [::1]:4000 unix:/tmp/x.sock unix: @name @ /tmp/x 0660 0999 0o660'.split(' '),
  // Words.
  ...'line line:refuse line: length:3 length:4 delimiter: delimiter:\\x0 delimiter:\\n end chunk'.split(' '),
  ...'auto epoll wait reject text json true false yes off a,,b __proto__ , ,,'.split(' '),
  // What no word has.
  '',
  ' ',
  ' 7 ',
  '5 s',
  '\0',
  '\n',
  '\u001b[2J',
  `/${'x'.repeat(200)}`,
  '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
];

/** Those that matter to terminals and parsers are among the first. */
const letter = fc.nat(0x2fff).map((code) => String.fromCharCode(code));

export const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...TEXTS)).map(([one, other]) => one + other),
  fc.string({ unit: letter, maxLength: 8 }),
);

/** What JSON can say, with objects that some option takes. */
export const plain: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  { weight: 2, arbitrary: fc.oneof(fc.integer(), fc.double(), fc.nat(100), fc.boolean(), fc.constant(null)) },
  { weight: 1, arbitrary: fc.array(text, { maxLength: 3 }) },
  {
    weight: 2,
    arbitrary: fc.dictionary(
      fc.constantFrom(
        'min',
        'max',
        'line',
        'length',
        'delimiter',
        'atEnd',
        'cert',
        'key',
        'ca',
        'alpn',
        'sni',
        'port',
        'host',
        'unix',
        'x',
        '__proto__',
      ),
      fc.oneof(text, fc.nat(5), fc.array(text, { maxLength: 2 })),
      { maxKeys: 3 },
    ),
  },
);

/** Anything that a program can pass. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: plain },
  {
    weight: 1,
    arbitrary: fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      Symbol('junk'),
      () => 7,
      new Error('junk'),
      new URL('file:///x.mjs'),
      new Uint8Array(3),
      new AbortController().signal,
      undefined,
    ),
  },
);

const NAMES = [...new Set([...Object.keys(serveSchema.entries), ...Object.keys(connectSchema.entries)])];
const name = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom('prot', 'Port', '__proto__', 'constructor', 'toString', '', 'a b', '\n') },
);

/** Options with values of `value`; those of `schemas` besides those of the library. */
export function optionsOf<Value>(
  value: fc.Arbitrary<Value>,
  ...schemas: readonly Schema[]
): fc.Arbitrary<Record<string, Value>> {
  const more = schemas.flatMap(({ entries }) => Object.keys(entries));
  const any = more.length === 0 ? name : fc.oneof(name, fc.constantFrom(...more));
  // Few: the first that is refused hides the others.
  return fc.dictionary(any, value, { maxKeys: 3 });
}
