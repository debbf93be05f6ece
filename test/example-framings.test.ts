import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CustomFraming } from '../src/framing/custom.ts';
import { createFraming, type ServiceFraming } from '../src/framing/framing.ts';
import json from '../examples/json.ts';
import languageServer from '../examples/language-server.ts';
import ldap from '../examples/ldap.ts';
import redis from '../examples/redis.ts';
import snmp from '../examples/snmp.ts';
import stomp from '../examples/stomp.ts';
import syslog from '../examples/syslog.ts';
import { decodeStream, everyByte, split } from './framing/decode-stream.ts';

/*
 * Framings that a user may copy: each is asked after every byte, as a network may split what a client sends, skips what belongs to no
 * message, and refuses lengths that lie before it has their bytes.
 */

interface Case {
  readonly service: { readonly framing?: unknown };
  readonly good: readonly string[];
  /** Bytes between two messages. */
  readonly skipped?: string;
  /** No message, whatever follows. */
  readonly bad: readonly string[];
  readonly problem: RegExp;
  /** The beginning of a message that is longer than it may be, by its own words. */
  readonly long: string;
}

/** No message is longer here. */
const MAX = 64 * 1024;

const TLVS: Omit<Case, 'service'> = {
  good: [
    '\x30\x05\x02\x01\x01\x42\x00',
    '\x30\x84\0\0\0\x05\x02\x01\x02\x42\x00',
    '\x30\x81\x05\x02\x01\x03\x42\x00',
    `\x30\x82\x01\x05\x02\x01\x04\x42\x82\0\xfe${'x'.repeat(254)}`,
  ],
  bad: ['\x31\x05', '\x30\x80', '\x30\x89'],
  problem: /^a (length has|message begins|message has)/,
  long: '\x30\x84\x7f\xff\xff\xff',
};

const CASES: Readonly<Record<string, Case>> = {
  redis: {
    service: redis,
    good: ['*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n', '*1\r\n$4\r\nPING\r\n', 'PING\r\n', '*1\r\n$0\r\n\r\n'],
    skipped: '\r\n',
    bad: ['*1000000000\r\n', '*-1\r\n', '*1\r\n$999999999\r\n', '*1\r\n$x\r\n', '*1\r\n+4\r\n', `*${'1'.repeat(20)}`],
    problem: /^(invalid length|expected '\$')/,
    long: '*1\r\n$400000\r\n',
  },
  ldap: { service: ldap, ...TLVS, bad: [...TLVS.bad, '\x30\x02\x04\x00', '\x30\x00'] },
  snmp: { service: snmp, ...TLVS },
  syslog: {
    service: syslog,
    good: ['12 <34>it rains', '<34>it snows\n', '0 ', '5 a\nb\nc', '\n'],
    bad: ['1234567 ', '12x', '1x'],
    problem: /^a record must begin with its length in at most 6 digits/,
    long: '999999 ',
  },
  json: {
    service: json,
    good: ['13:{"a":2,"b":3}', '17:{ "a": 2, "b": 3}'],
    bad: ['abcdefghij', '12345678:', '3:{}}', '2:{}', '15:{"a":2,"b":"3"}'],
    problem: /^(a message must begin|a request is|a and b must be|Unexpected)/,
    long: '9999999:',
  },
  stomp: {
    service: stomp,
    good: [
      'CONNECT\naccept-version:1.2\nhost:heddle\n\n\0',
      'SEND\ndestination:/queue/a\ncontent-length:9\n\nit\0rains\n\0',
      'SEND\r\ndestination:/queue/a\r\n\r\nit rains\0',
    ],
    skipped: '\n\r\n',
    bad: ['SEND\ncontent-length:x\n\n', 'SEND\ncontent-length:-1\n\n', 'SEND\ncontent-length:2\n\nabcd'],
    problem: /^(content-length is no|there is no NUL)/,
    long: 'SEND\ncontent-length:999999999\n\n',
  },
  'language-server': {
    service: languageServer,
    good: ['Content-Length: 2\r\n\r\n{}', 'Content-Type: a\r\ncontent-length: 9\r\n\r\n{"id": 1}'],
    bad: ['Content-Length: x\r\n\r\n', 'Type: a\r\n\r\n', 'Content-Length: -1\r\n\r\n'],
    problem: /NaN/,
    long: 'Content-Length: 999999999\r\n\r\n',
  },
};

describe.each(Object.entries(CASES))('the framing of examples/%s.ts', (_name, given) => {
  const { service, good, skipped = '', bad, problem, long } = given;
  const framing = createFraming(service.framing as ServiceFraming | CustomFraming, MAX);
  const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');

  it('finds each message when all of it has come, and never asks for more than that', () => {
    for (const text of good) {
      const bytes = bytesOf(text);
      for (let length = 1; length < bytes.length; length++) {
        const { needed, ...part } = decodeStream(framing, [bytes.subarray(0, length)]);
        expect(part).toMatchObject({ messages: [], outcome: 'open' });
        expect(needed).toBeLessThanOrEqual(bytes.length);
      }
      expect(decodeStream(framing, [bytes])).toMatchObject({ messages: [text], outcome: 'open' });
    }
  });

  it('gives the same messages wherever they are cut, and skips what is between them', () => {
    const all = bytesOf(good.map((text) => text + skipped).join(''));
    const whole = decodeStream(framing, [all]);
    expect(whole).toMatchObject({ messages: good, outcome: 'open' });
    expect(decodeStream(framing, everyByte(all))).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(all.length), { maxLength: 8 }), (cuts) => {
        expect(decodeStream(framing, split(all, cuts))).toEqual(whole);
      }),
      { numRuns: 50, seed: 20_261_130 },
    );
  });

  it.each(bad)('refuses %j', (text) => {
    const whole = decodeStream(framing, [bytesOf(text)]);
    expect(whole).toMatchObject({ messages: [], outcome: 'bad', problem: expect.stringMatching(problem) });
    expect(decodeStream(framing, everyByte(bytesOf(text)))).toMatchObject({ messages: [], outcome: 'bad' });
  });

  it('refuses a message that is too long, and takes no memory for it', () => {
    const before = process.memoryUsage().arrayBuffers;
    expect(decodeStream(framing, [bytesOf(long)])).toMatchObject({ messages: [], outcome: 'too long' });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MAX);
  });

  it('stays within its bytes on 400 mutations, and says the same wherever they are cut', () => {
    const seeds = fc.constantFrom(...good, ...bad, long);
    const change = fc.tuple(fc.nat(60), fc.oneof(fc.constantFrom(0, 10, 13, 48, 57, 128, 255), fc.nat(255)));
    const mutated = fc.tuple(seeds, seeds, fc.array(change, { maxLength: 4 }));
    fc.assert(
      fc.property(mutated, fc.nat(60), ([one, other, changes], cut) => {
        const bytes = bytesOf(one + skipped + other);
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
        const { needed: _, problem: __, ...whole } = decodeStream(framing, [bytes]);
        const { needed: ___, problem: ____, ...parts } = decodeStream(framing, split(bytes, [cut]));
        expect(parts).toEqual(whole);
      }),
      { numRuns: 400, seed: 20_261_130 },
    );
  });
});
