import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProxyHeader, type ProxyHeader } from '../../src/framing/proxy-header.ts';
import { parseAddress } from '../../src/ip-address.ts';
import { headerV1, headerV2 } from '../support/proxy-headers.ts';

const decode = (bytes: Buffer | string): ProxyHeader => {
  const all = Buffer.from(bytes as string, 'latin1');
  return decodeProxyHeader(all, 0, all.length);
};

const ABSENT = 'no PROXY header comes first, as proxyProtocol asks of this address';
const BAD_LINE = 'the PROXY header of version 1 is not as its format says';
const source = (address: string, port: number) => ({ address: parseAddress(address), port });

const v4 = { from: '192.0.2.1', to: '192.0.2.2', fromPort: 56_324, toPort: 443 };
const v6 = { from: '2001:db8::1', to: '2001:db8::2', fromPort: 65_535, toPort: 0 };

const HEADERS: [name: string, bytes: Buffer, source: { address: Uint8Array | undefined; port: number } | undefined][] =
  [
    ['version 1 for IPv4', headerV1(v4), source('192.0.2.1', 56_324)],
    ['version 1 for IPv6', headerV1(v6), source('2001:db8::1', 65_535)],
    [
      'the longest line of IPv6',
      Buffer.from(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
      source('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 65_535),
    ],
    ['version 1 of an unknown client', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
    ['version 1 of an unknown client with a line feed alone', Buffer.from('PROXY UNKNOWN a\nb\r\n'), undefined],
    ['version 1 of ::', Buffer.from('PROXY TCP6 :: ::1 4711 1\r\n'), source('::', 4711)],
    ['version 1 of an unknown client with more', Buffer.from(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), undefined],
    ['version 2 for IPv4', headerV2(v4), source('192.0.2.1', 56_324)],
    ['version 2 for IPv6', headerV2(v6), source('2001:db8::1', 65_535)],
    ['version 2 for UDP over IPv4', headerV2({ ...v4, family: 0x12 }), source('192.0.2.1', 56_324)],
    [
      'version 2 with records',
      headerV2({ ...v4, records: Buffer.from('04000461626364', 'hex') }),
      source('192.0.2.1', 56_324),
    ],
    [
      'version 2 of the greatest length',
      headerV2({ ...v4, records: Buffer.alloc(4096 - 28) }),
      source('192.0.2.1', 56_324),
    ],
    ['version 2 of the proxy itself', headerV2({ command: 0x20, family: 0 }), undefined],
    ['version 2 of the proxy itself, with addresses', headerV2({ ...v4, command: 0x20 }), undefined],
    ['version 2 of the proxy itself, with a family to ignore', headerV2({ command: 0x20, family: 0xff }), undefined],
    ['version 2 without a family', headerV2({ family: 0, records: Buffer.alloc(3) }), undefined],
    ['version 2 for a Unix socket', headerV2({ family: 0x31, records: Buffer.alloc(216) }), undefined],
  ];

describe.each(HEADERS)('%s', (_name, bytes, expected) => {
  it('is read to its last byte and no further by who reads as much as is missing, from wherever', () => {
    for (let from = 0; from < bytes.length; from++) {
      let at = from;
      for (let result = decode(bytes.subarray(0, at)); result.kind === 'incomplete'; ) {
        expect(result.missing).toBeGreaterThan(0);
        at += result.missing;
        result = decode(bytes.subarray(0, at));
      }
      expect(at).toBe(bytes.length);
    }
  });

  it('is read, and nothing behind it', () => {
    const header = { kind: 'header', length: bytes.length, source: expected };
    expect(decode(bytes)).toEqual(header);
    expect(decode(Buffer.concat([bytes, Buffer.from('hello\r\n')]))).toEqual(header);
  });

  it('is incomplete wherever it is cut, whatever lies around it', () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      const around = Buffer.concat([Buffer.from('\r\n'), bytes.subarray(0, cut), Buffer.alloc(300, 0x0a)]);
      expect(decodeProxyHeader(around, 2, 2 + cut), `after ${cut} bytes`).toMatchObject({ kind: 'incomplete' });
    }
  });
});

describe('bytes that are no header', () => {
  it.each<[string, string | Buffer, string]>([
    ['a request', 'GET / HTTP/1.1\r\n', ABSENT],
    ['one byte', 'G', ABSENT],
    ['a line feed', '\n', ABSENT],
    ['what begins like version 1', 'PROXX', ABSENT],
    ['what begins like version 2', '\r\n\r\nQ', ABSENT],
    ['small letters', 'proxy TCP4 ', ABSENT],
    ['an unknown protocol, as soon as it is', 'PROXY TCP5', BAD_LINE],
    ['UDP', 'PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n', BAD_LINE],
    ['letters in IPv4, as soon as they come', 'PROXY TCP4 192.0.2.a', BAD_LINE],
    ['a line feed alone', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n', BAD_LINE],
    ['UNKNOWN and a line feed alone', 'PROXY UNKNOWN\n', BAD_LINE],
    ['UNKNOWNX', 'PROXY UNKNOWNX', BAD_LINE],
    ['IPv6 in TCP4', 'PROXY TCP4 ::1 ::1 1 2\r\n', BAD_LINE],
    ['IPv4 in TCP6', 'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n', BAD_LINE],
    ['one address of each', 'PROXY TCP6 ::1 192.0.2.2 1 2\r\n', BAD_LINE],
    [
      'what stands for a Unix socket inside',
      'PROXY TCP6 100::756e:6978 ::1 1 2\r\n',
      'the PROXY header names an address of 100::/64, which no client has',
    ],
    [
      'what stands for a Unix socket inside, in binary',
      headerV2({ ...v6, from: '100::756e:6978' }),
      'the PROXY header names an address of 100::/64, which no client has',
    ],
    ['a zone', 'PROXY TCP6 fe80::1%lo ::1 1 2\r\n', BAD_LINE],
    ['no such address', 'PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n', BAD_LINE],
    ['a port too many', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n', BAD_LINE],
    ['a port too few', 'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n', BAD_LINE],
    ['two spaces', 'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n', BAD_LINE],
    ['a space at the end', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n', BAD_LINE],
    ['a port of 65536', 'PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n', BAD_LINE],
    ['a target port of 65536', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n', BAD_LINE],
    ['a port of 01', 'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n', BAD_LINE],
    ['an empty line', 'PROXY \r\n', BAD_LINE],
    [
      'a line of 107 bytes without an end',
      `PROXY UNKNOWN ${'x'.repeat(93)}`,
      'a PROXY header of version 1 has at most 107 bytes',
    ],
    ['a line of 108 bytes', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`, 'a PROXY header of version 1 has at most 107 bytes'],
    [
      'version 1 in binary, as soon as it is',
      headerV2({ command: 0x11 }).subarray(0, 13),
      'the PROXY header has an unknown version or command',
    ],
    ['command 2', headerV2({ command: 0x22 }), 'the PROXY header has an unknown version or command'],
    [
      'family 4, as soon as it is',
      headerV2({ family: 0x41 }).subarray(0, 14),
      'the PROXY header has an unknown family or transport',
    ],
    ['transport 3', headerV2({ family: 0x13 }), 'the PROXY header has an unknown family or transport'],
    [
      'IPv4 in 11 bytes',
      headerV2({ family: 0x11, records: Buffer.alloc(11) }).subarray(0, 16),
      'the PROXY header is shorter than its addresses',
    ],
    [
      'IPv6 in 35 bytes',
      headerV2({ family: 0x21, records: Buffer.alloc(35) }),
      'the PROXY header is shorter than its addresses',
    ],
    [
      'a Unix socket in 215 bytes',
      headerV2({ family: 0x31, records: Buffer.alloc(215) }),
      'the PROXY header is shorter than its addresses',
    ],
    [
      '4,097 bytes, as soon as it says so',
      headerV2({ ...v4, records: Buffer.alloc(4097 - 28) }).subarray(0, 16),
      'a PROXY header has at most 4096 bytes here',
    ],
    [
      'LOCAL with 64 KiB',
      Buffer.concat([headerV2({ command: 0x20 }).subarray(0, 14), Buffer.alloc(2, 0xff)]),
      'a PROXY header has at most 4096 bytes here',
    ],
  ])('%s', (_name, bytes, problem) => {
    expect(decode(bytes)).toEqual({ kind: 'bad', problem });
  });
});

it('neither throws nor looks outside, whatever 10,000 mutations make of a header', () => {
  const mutation = fc.record({
    header: fc.constantFrom(...HEADERS.map(([, bytes]) => bytes)),
    changes: fc.array(fc.tuple(fc.nat(140), fc.oneof(fc.constantFrom(0, 10, 13, 32, 0x20, 0x21, 255), fc.nat(255))), {
      maxLength: 4,
    }),
    cut: fc.nat(4200),
    around: fc.nat(255),
  });
  fc.assert(
    fc.property(mutation, ({ header, changes, cut, around }) => {
      const bytes = Buffer.from(header.subarray(0, cut));
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      const inside = Buffer.concat([Buffer.alloc(20, around), bytes, Buffer.alloc(20, around)]);
      const result = decodeProxyHeader(inside, 20, 20 + bytes.length);
      expect(result).toEqual(decode(bytes));
      if (result.kind === 'header') {
        expect(result.length).toBeLessThanOrEqual(bytes.length);
        if (result.source !== undefined) expect(result.source.address).toHaveLength(16);
      }
      // What is refused stays refused, and what is found stays found, with more bytes.
      const longer = decode(Buffer.concat([bytes, Buffer.from('more')]));
      if (result.kind !== 'incomplete') expect(longer).toEqual(result);
    }),
    { numRuns: 10_000, seed: 20_261_122 },
  );
});

it('is the same however it is cut: each prefix of 5,000 streams is incomplete, or says what the whole says', () => {
  const tail = fc.string({ unit: fc.constantFrom('\r', '\n', ' ', '1', ':', 'f', '.', '\0', 'P') });
  const stream = fc.tuple(
    fc.oneof(
      fc.constantFrom(...HEADERS.map(([, bytes]) => bytes.toString('latin1'))),
      fc.constantFrom('PROXY UNKNOWN', 'PROXY UNKNOWN ', 'PROXY TCP4 ', 'PROXY TCP6 ', '\r\n\r\n\0\r\nQUIT\n', ''),
    ),
    fc.nat(250),
    tail,
  );
  fc.assert(
    fc.property(stream, ([header, cut, more]) => {
      const bytes = Buffer.from(`${header.slice(0, cut)}${more}\r\nhello`, 'latin1');
      const whole = decode(bytes);
      for (let length = 0; length < bytes.length; length++) {
        const part = decode(bytes.subarray(0, length));
        if (part.kind !== 'incomplete') expect(part, `after ${length} bytes`).toEqual(whole);
      }
    }),
    { numRuns: 5_000, seed: 20_261_129 },
  );
});
