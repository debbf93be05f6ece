import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, UNIX_ADDRESS } from '../../../src/ip-address.ts';
import { type Cidr, includesPeer, matches, parseCidr } from '../../../src/options/values/cidr.ts';

const bytesOf = (address: string): Uint8Array => parseAddress(address) as Uint8Array;
const list = (...texts: string[]): Cidr[] => texts.map((text) => parseCidr(text) as Cidr);

describe('a network', () => {
  it.each([
    ['10.0.0.0/8', '10.0.0.0', 104],
    ['0.0.0.0/0', '0.0.0.0', 96],
    ['192.0.2.7', '192.0.2.7', 128],
    ['192.0.2.7/32', '192.0.2.7', 128],
    ['::ffff:10.0.0.0/104', '10.0.0.0', 104],
    ['2001:db8::/32', '2001:db8::', 32],
    ['::/0', '::', 0],
    ['::1', '::1', 128],
  ])('%s is %s and %i bits', (text, network, prefix) => {
    expect(parseCidr(text)).toEqual({ network: bytesOf(network), prefix });
  });

  it.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0 /8',
    '10/8',
    '::/129',
    'fe80::%lo/64',
    'localhost',
  ])('%j is none', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it.each(['10.0.0.1/8', '10.128.0.0/8', '192.0.2.1/31', '::1/127', '2001:db8:8000::/32'])(
    '%s is refused for bits behind its prefix',
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );
});

describe('an address', () => {
  it.each([
    ['10.255.0.1', true],
    ['11.0.0.0', false],
    ['9.255.255.255', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['2001:db8:ffff::', true],
    ['2001:db9::', false],
    ['::ffff:10.0.0.1', true],
  ])('%s is in the list: %s', (address, expected) => {
    expect(matches(list('10.0.0.0/8', '192.0.2.1', '2001:db8::/32'), bytesOf(address))).toBe(expected);
  });

  it('is in no empty list', () => {
    expect(matches([], bytesOf('::1'))).toBe(false);
  });

  it('of IPv4 is in no network of IPv6, nor the reverse', () => {
    expect(matches(list('::/0'), bytesOf('127.0.0.1'))).toBe(false);
    expect(matches(list('0.0.0.0/0'), bytesOf('::1'))).toBe(false);
  });
});

describe('the peer of a Unix socket', () => {
  it('is one of those listed if unix is, and in no network', () => {
    const everybody = list('0.0.0.0/0', '::/0', '::');
    expect(includesPeer(everybody, UNIX_ADDRESS)).toBe(false);
    expect(includesPeer([...everybody, 'unix'], UNIX_ADDRESS)).toBe(true);
    expect(includesPeer(['unix'], bytesOf('::'))).toBe(false);
    expect(includesPeer(['unix'], bytesOf('::1'))).toBe(false);
    expect(includesPeer(['unix'], bytesOf('127.0.0.1'))).toBe(false);
    expect(includesPeer(everybody, bytesOf('::1'))).toBe(true);
  });
});

it('matches what Node’s own list matches', () => {
  const v4 = fc.record({
    bytes: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    length: fc.integer({ min: 0, max: 32 }),
  });
  fc.assert(
    fc.property(v4, fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.boolean(), ({ bytes, length }, other, near) => {
      const network = bytes.map((byte, at) => byte & (0xff00 >> Math.min(Math.max(length - at * 8, 0), 8)));
      // Near: an address of the network, or of its neighbour, but for one bit.
      const address = near
        ? network.map((byte, at) => byte ^ (at === (other[0] as number) % 4 ? 1 << ((other[1] as number) % 8) : 0))
        : other;
      const known = new BlockList();
      known.addSubnet(network.join('.'), length);
      expect(matches(list(`${network.join('.')}/${length}`), bytesOf(address.join('.')))).toBe(
        known.check(address.join('.')),
      );
    }),
  );
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(v6, fc.integer({ min: 0, max: 128 }), fc.nat(127), (bytes, length, bit) => {
      const network = bytes.map((byte, at) => byte & (0xff00 >> Math.min(Math.max(length - at * 8, 0), 8)));
      const address = network.map((byte, at) => (at === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte));
      expect(matches([{ network, prefix: length }], address)).toBe(bit >= length);
      expect(parseCidr(`${formatAddress(network)}/${length}`)).toEqual({ network, prefix: length });
    }),
  );
});
