/** Holds the decoder of PROXY headers to what was encoded, and each prefix of a stream to the whole. */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { decodeProxyHeader, type ProxyHeader } from '../../../src/framing/proxy-header.ts';
import { isUnixAddress, parseAddress } from '../../../src/ip-address.ts';
import { headerV1, headerV2 } from '../../support/proxy-headers.ts';
import { target } from '../target.ts';

const port = fc.nat(65_535);
const sides = fc
  .oneof(fc.tuple(fc.ipV4(), fc.ipV4()), fc.tuple(fc.ipV6(), fc.ipV6()))
  .filter((addresses) => addresses.every((address) => isIP(address) !== 0 && parseAddress(address) !== undefined));
const parts = fc.tuple(sides, port, port).map(([[from, to], fromPort, toPort]) => ({ from, to, fromPort, toPort }));

const v2 = fc.record({
  parts: fc.option(parts, { nil: {} }),
  command: fc.constantFrom(0x20, 0x21, 0x21, 0x21, 0x22),
  family: fc.constantFrom(undefined, undefined, 0, 0x11, 0x12, 0x21, 0x22, 0x31, 0x13),
  records: fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(216, 4068, 4069, 5000).map((length) => new Uint8Array(length)),
  ),
});
const header = fc.oneof(
  parts.map(headerV1),
  v2.map(({ parts: given, command, family, records }) =>
    headerV2({ ...given, command, records: Buffer.from(records), ...(family !== undefined && { family }) }),
  ),
  fc
    .string({ unit: fc.constantFrom('\r', '\n', ' ', 'x', '\0', '1'), maxLength: 110 })
    .map((text) => Buffer.from(`PROXY UNKNOWN${text}\r\n`, 'latin1')),
);
const change = fc.record({
  at: fc.nat(120),
  remove: fc.nat(3),
  insert: fc.string({ unit: fc.constantFrom('\r', '\n', ' ', ':', '0', 'f', '.', 'P', '\0', '\x21'), maxLength: 3 }),
});
const stream = fc
  .record({
    header,
    changes: fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 })),
    more: fc.constantFrom('', '\r\n', 'hello\r\n', '\n'),
  })
  .map(({ header: bytes, changes, more }) => {
    let text = bytes.toString('latin1');
    for (const { at, remove, insert } of changes) text = text.slice(0, at) + insert + text.slice(at + remove);
    return text + more;
  });

const decode = (bytes: Buffer): ProxyHeader => decodeProxyHeader(bytes, 0, bytes.length);

/** All prefixes up to so many bytes are tried, and of what is longer one in so many. */
const ALL_OF = 130;
const FAR = 487;

/** Each prefix is incomplete, or says what the whole says; and what is behind or before it does not matter. */
function checkPrefixes(bytes: Buffer): void {
  const whole = decode(bytes);
  const around = Buffer.concat([Buffer.from('\r\nPROXY '), bytes, Buffer.from('\r\n\r\n')]);
  for (let length = 0; length <= bytes.length; length += length < ALL_OF ? 1 : FAR) {
    const prefix = decode(bytes.subarray(0, length));
    assert.deepEqual(decodeProxyHeader(around, 8, 8 + length), prefix, `after ${length} bytes, inside of others`);
    if (prefix.kind !== 'incomplete') assert.deepEqual(prefix, whole, `after ${length} bytes`);
    else assert(prefix.missing > 0, `after ${length} bytes`);
    if (prefix.kind === 'header') assert(prefix.length <= length, `a header of ${prefix.length} in ${length} bytes`);
  }
}

function checkBack(given: { from: string; to: string; fromPort: number; toPort: number }): void {
  const address = parseAddress(given.from) as Uint8Array;
  for (const bytes of [headerV1(given), headerV2(given)]) {
    const should: ProxyHeader = isUnixAddress(address)
      ? { kind: 'bad', problem: 'the PROXY header names an address of 100::/64, which no client has' }
      : { kind: 'header', length: bytes.length, source: { address, port: given.fromPort } };
    assert.deepEqual(decode(bytes), should);
  }
}

export const proxyHeaders = target(
  'proxy-headers',
  'PROXY headers of both versions: all prefixes agree with the whole, and what was written comes back',
  fc.property(stream, parts, (text, given) => {
    checkPrefixes(Buffer.from(text, 'latin1'));
    checkBack(given);
  }),
);
