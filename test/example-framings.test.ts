import { describe, expect, it } from 'vitest';
import type { CustomFraming } from '../src/framing/custom.ts';
import ldap from '../examples/ldap.ts';
import redis from '../examples/redis.ts';

/*
 * Framings that a user may copy: each is asked after every byte, as a network may split what a client sends, and refuses lengths that
 * lie before it has their bytes.
 */

interface Case {
  readonly service: { readonly framing: CustomFraming<unknown, never> };
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  redis: {
    service: redis,
    good: ['*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n', '*1\r\n$4\r\nPING\r\n', 'PING\r\n', '*1\r\n$0\r\n\r\n'],
    bad: ['*1000000000\r\n', '*-1\r\n', '*1\r\n$999999999\r\n', '*1\r\n$x\r\n', '*1\r\n+4\r\n', `*${'1'.repeat(20)}`],
  },
  ldap: {
    service: ldap,
    good: [
      '\x30\x05\x02\x01\x01\x42\x00',
      '\x30\x84\0\0\0\x05\x02\x01\x02\x42\x00',
      '\x30\x81\x05\x02\x01\x03\x42\x00',
    ],
    bad: ['\x31\x05', '\x30\x80', '\x30\x89', '\x30\x02\x04\x00', '\x30\x00'],
  },
};

describe.each(Object.entries(CASES))('the framing of examples/%s.ts', (_name, { service, good, bad }) => {
  const { framing } = service;

  it('finds each message when all of it has come, and never asks for more than that', () => {
    for (const text of good) {
      const bytes = Buffer.from(text, 'latin1');
      for (let length = 1; length < bytes.length; length++) {
        const found = framing.decode(Uint8Array.from(bytes.subarray(0, length)), undefined, false);
        expect(found?.length).toBeUndefined();
        expect(found?.need ?? bytes.length).toBeGreaterThan(length);
        expect(found?.need ?? bytes.length).toBeLessThanOrEqual(bytes.length);
      }
      const more = Buffer.concat([bytes, Buffer.from('more')]);
      expect(framing.decode(Uint8Array.from(more), undefined, false)).toMatchObject({ length: bytes.length });
    }
  });

  it.each(bad)('refuses %j', (text) => {
    expect(() => framing.decode(Uint8Array.from(Buffer.from(text, 'latin1')), undefined, false)).toThrow(
      /^(invalid length|expected '\$'|a length has|a message (begins|has))/,
    );
  });
});
