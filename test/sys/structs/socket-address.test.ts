import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../../src/ip-address.ts';
import { AF_INET6 } from '../../../src/sys/constants.ts';
import {
  formatPeer,
  readPeer,
  readSocketAddress,
  SOCKADDR_SIZE,
  writeSocketAddress,
} from '../../../src/sys/structs/socket-address.ts';
import type { SocketAddress } from '../../../src/sys/sys.ts';

/** Binary addresses as text in hexadecimal: what `inet_pton` does is the kernel library's. */
const parse = (family: number, text: string, target: Buffer): boolean => {
  const bytes = Buffer.from(text, 'hex');
  target.set(bytes.subarray(0, target.length));
  return bytes.length === (family === AF_INET6 ? 16 : 4);
};

const LOOPBACK6 = '00000000000000000000000000000001';

function written(address: SocketAddress): string {
  const target = Buffer.alloc(SOCKADDR_SIZE, 0xee);
  const length = writeSocketAddress(address, target, parse);
  expect(target.subarray(length).every((byte) => byte === 0)).toBe(true);
  return target.toString('hex', 0, length);
}

describe('writeSocketAddress', () => {
  it('writes an IPv4 address as struct sockaddr_in', () => {
    expect(written({ family: 'IPv4', address: '7f000001', port: 12345 })).toBe('020030397f0000010000000000000000');
  });

  it('writes an IPv6 address as struct sockaddr_in6', () => {
    const expected = `0a00ffff00000000${LOOPBACK6}00000000`;
    expect(written({ family: 'IPv6', address: LOOPBACK6, port: 65535 })).toBe(expected);
  });

  it('writes a Unix path as struct sockaddr_un with its closing zero', () => {
    expect(written({ family: 'unix', address: '/tmp/é', port: 0 })).toBe('01002f746d702fc3a900');
  });

  it('takes a Unix path of up to 107 bytes, counted in UTF-8', () => {
    const target = Buffer.alloc(SOCKADDR_SIZE);
    const write = (address: string) => writeSocketAddress({ family: 'unix', address, port: 0 }, target, parse);
    expect(write('x'.repeat(107))).toBe(110);
    expect(() => write('x'.repeat(108))).toThrow(new RangeError('a Unix socket path has 1 to 107 bytes, got 108'));
    expect(() => write('é'.repeat(54))).toThrow('got 108');
    expect(() => write('')).toThrow('got 0');
  });

  it('writes a name without a file with nothing behind it', () => {
    expect(written({ family: 'unix', address: '\0ab', port: 0 })).toBe('0100006162');
  });

  it('refuses a path that would end before its end', () => {
    const target = Buffer.alloc(SOCKADDR_SIZE);
    expect(() => writeSocketAddress({ family: 'unix', address: '/a\0b', port: 0 }, target, parse)).toThrow(RangeError);
  });

  it('names an address that is none', () => {
    const target = Buffer.alloc(SOCKADDR_SIZE);
    const write = () => writeSocketAddress({ family: 'IPv4', address: 'localhost', port: 1 }, target, parse);
    expect(write).toThrow(new RangeError('not an IPv4 address: localhost'));
  });
});

describe('readSocketAddress', () => {
  it('reads what writeSocketAddress wrote', () => {
    const hex = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const port = fc.integer({ min: 0, max: 65535 });
    const address = fc.oneof(
      fc.record({ family: fc.constant('IPv4' as const), address: hex(4), port }),
      fc.record({ family: fc.constant('IPv6' as const), address: hex(16), port }),
      fc.record({
        family: fc.constant('unix' as const),
        address: fc
          .tuple(
            fc.constantFrom('', '\0'),
            fc.string({ unit: fc.constantFrom('a', '/', 'é', ' '), minLength: 1, maxLength: 53 }),
          )
          .map((parts) => parts.join('')),
        port: fc.constant(0),
      }),
    );
    const target = Buffer.alloc(SOCKADDR_SIZE);
    fc.assert(
      fc.property(address, (value) => {
        const length = writeSocketAddress(value, target, parse);
        const text = value.family === 'unix' ? value.address : formatAddress(Buffer.from(value.address, 'hex'));
        expect(readSocketAddress(target, length)).toEqual({ ...value, address: text });
      }),
    );
  });

  it('reads a Unix socket without a name as an empty path, whatever was in the buffer before', () => {
    const source = Buffer.alloc(SOCKADDR_SIZE);
    writeSocketAddress({ family: 'unix', address: '/tmp/older', port: 0 }, source, parse);
    expect(readSocketAddress(source, 2)).toEqual({ family: 'unix', address: '', port: 0 });
  });
});

describe('readPeer', () => {
  function peer(address: SocketAddress): [string, number] {
    const source = Buffer.alloc(SOCKADDR_SIZE);
    writeSocketAddress(address, source, parse);
    const target = new Uint8Array(16).fill(0xee);
    const port = readPeer(source, target);
    return [Buffer.from(target).toString('hex'), port];
  }

  it('reads an IPv4 client as a mapped IPv6 address', () => {
    expect(peer({ family: 'IPv4', address: 'c0000201', port: 258 })).toEqual(['00000000000000000000ffffc0000201', 258]);
  });

  it('reads an IPv6 client as it is', () => {
    expect(peer({ family: 'IPv6', address: LOOPBACK6, port: 1 })).toEqual([LOOPBACK6, 1]);
  });

  it('reads a Unix client as an address that no client of TCP has, and port 0', () => {
    expect(peer({ family: 'unix', address: '/x', port: 0 })).toEqual([`01${'0'.repeat(22)}756e6978`, 0]);
  });
});

describe('formatPeer', () => {
  it.each([
    ['00000000000000000000ffff7f000001', '127.0.0.1'],
    [`01${'0'.repeat(22)}756e6978`, 'unix'],
    ['0'.repeat(32), '::'],
    ['00000000000000000001ffff7f000001', '::1:ffff:7f00:1'],
    [LOOPBACK6, '::1'],
  ])('formats %s as %s', (bytes, text) => {
    expect(formatPeer(Buffer.from(bytes, 'hex'))).toBe(text);
  });
});
