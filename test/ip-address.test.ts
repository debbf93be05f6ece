import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatAddress, isMapped, mapped, parseAddress } from '../src/ip-address.ts';

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex');

it.each([
  ['127.0.0.1', '00000000000000000000ffff7f000001'],
  ['255.255.255.255', '00000000000000000000ffffffffffff'],
  ['::', '00000000000000000000000000000000'],
  ['::1', '00000000000000000000000000000001'],
  ['1::', '00010000000000000000000000000000'],
  ['2001:DB8::a:0:b', '20010db8000000000000000a0000000b'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
  ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
  ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
])('%s is %s', (text, expected) => {
  expect(hex(parseAddress(text))).toBe(expected);
});

it.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '01.2.3.4',
  '1.2.3.4 ',
  ':::',
  '1::2::3',
  '12345::',
  'fe80::1%lo',
  'a',
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

it.each([
  ['7f000001', '127.0.0.1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000ffff7f000001', '::ffff:127.0.0.1'],
  ['00000000000000000000000001020304', '::1.2.3.4'],
  ['0000000000000000000000000000ffff', '::ffff'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['20010000000000010000000000000001', '2001:0:0:1::1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
  ['00010000000000000000000000000000', '1::'],
])('%s is written as %s', (bytes, text) => {
  expect(formatAddress(Buffer.from(bytes, 'hex'))).toBe(text);
});

it('reads every address that it writes', () => {
  const byte = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 16, maxLength: 16 }), (bytes) => {
      expect(parseAddress(formatAddress(Uint8Array.from(bytes)))).toEqual(Uint8Array.from(bytes));
    }),
  );
});

it('knows IPv4 by its first twelve bytes', () => {
  expect(isMapped(mapped([192, 0, 2, 1]))).toBe(true);
  expect(isMapped(new Uint8Array(16))).toBe(false);
  expect(isMapped(Uint8Array.from([1, ...mapped([192, 0, 2, 1]).slice(1)]))).toBe(false);
});
