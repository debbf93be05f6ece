import { BlockList, isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInRange, isIPv4Address, parseAddressRange } from '../../src/options/address-range.ts';

function bytesOf(address: string): Uint8Array {
  const range = parseAddressRange(address);
  if (range === undefined) throw new Error(`no address: ${address}`);
  return range.bytes;
}

function contains(range: string, address: string): boolean {
  const parsed = parseAddressRange(range);
  if (parsed === undefined) throw new Error(`no range: ${range}`);
  return isInRange(bytesOf(address), parsed);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('an address', () => {
  it.each([
    ['1.2.3.4', '00000000000000000000ffff01020304'],
    ['::ffff:1.2.3.4', '00000000000000000000ffff01020304'],
    ['::ffff:102:304', '00000000000000000000ffff01020304'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:db8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['2001:DB8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['1:2:3:4:5:6:7.8.9.10', '0001000200030004000500060708090a'],
  ])('%s is %s', (text, bytes) => {
    expect(hex(bytesOf(text))).toBe(bytes);
  });

  it('is IPv4 or it is not', () => {
    expect(['1.2.3.4', '::ffff:1.2.3.4', '::1.2.3.4', '::1'].map((text) => isIPv4Address(bytesOf(text)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('a range', () => {
  it.each([
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/',
    '1.2.3.4/33',
    '1.2.3.4/-1',
    '1.2.3.4/8/8',
    '1.2.3.4 ',
    '::1/129',
    'fe80::1%lo',
    '[::1]',
    ':::',
    '1:2:3',
    '/8',
  ])('is not %j', (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  });

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.99.99.99/8', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['192.168.1.128/25', '192.168.1.127', false],
    ['192.168.1.128/25', '192.168.1.128', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '8.8.8.8', false],
    ['::/80', '8.8.8.8', false],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
  ])('%s has %s: %j', (range, address, expected) => {
    expect(contains(range, address)).toBe(expected);
  });

  it('has what Node’s BlockList says', () => {
    const near = fc.integer({ min: 0, max: 3 });
    const ipv4 = fc.tuple(near, near, near, near).map((bytes) => bytes.join('.'));
    const ipv6 = fc.array(near, { minLength: 8, maxLength: 8 }).map((groups) => groups.join(':'));
    const sample = fc.record({
      range: fc.oneof(
        fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })),
        fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })),
      ),
      address: fc.oneof(ipv4, ipv6),
    });
    fc.assert(
      fc.property(sample, ({ range: [net, bits], address }) => {
        const list = new BlockList();
        list.addSubnet(net, bits, isIPv4(net) ? 'ipv4' : 'ipv6');
        const expected = isIPv4(net) === isIPv4(address) && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
        expect(contains(`${net}/${bits}`, address)).toBe(expected);
      }),
    );
  });
});
