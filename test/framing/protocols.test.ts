import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFraming, type FramingSpec } from '../../src/framing/framing.ts';
import { decodeStream, everyByte } from './decode-stream.ts';

/*
 * The declared framings that docs/framing.md gives for protocols, with frames as clients of these protocols send them: as published in
 * their specifications, or captured. Those of one's own are in example-framings.test.ts.
 */

const PAGE = readFileSync(new URL('../../docs/framing.md', import.meta.url), 'utf8');

interface Protocol {
  readonly framing: FramingSpec;
  /** The framing as the page writes it. */
  readonly text: string;
  /** What a client sends, one after the other. */
  readonly frames: readonly string[];
  /** What the service gets of them, where it is not all of them. */
  readonly messages?: readonly string[];
}

const bytes = (hex: string): string => Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1');
/** A DNS query for example.com, type A. */
const QUERY = bytes('db42 0100 0001 0000 0000 0000 07 6578616d706c65 03 636f6d 00 0001 0001');
const H02 = 'HQ,353588020068342,V1,062840,A,5241.1249,N,954.9490,E,0.00,0,171013,FFFFFBFF,262,02';

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  'Graphite (lines)': {
    framing: 'line',
    text: "`framing: 'line'`",
    frames: ['local.random.diceroll 4 1796040000\n', 'local.load 1 1796040001\n'],
    messages: ['local.random.diceroll 4 1796040000', 'local.load 1 1796040001'],
  },
  'NMEA 0183': {
    framing: { line: 'crlf' },
    text: "`framing: { line: 'crlf' }`",
    frames: ['$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n', '$GPGLL,,,,,,V*06\r\n'],
    messages: ['$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47', '$GPGLL,,,,,,V*06'],
  },
  'Modbus TCP': {
    framing: { length: { at: 4, size: 2 } },
    text: '`framing: { length: { at: 4, size: 2 } }`',
    frames: [bytes('0001 0000 0006 11 03 006b 0003'), bytes('0002 0000 0006 01 06 0001 0003')],
  },
  'DNS over TCP': {
    framing: { length: 2 },
    text: '`framing: { length: 2 }`',
    frames: [bytes('001d') + QUERY],
    messages: [QUERY],
  },
  'DICOM (A-RELEASE-RQ, A-ABORT)': {
    framing: { length: { at: 2, size: 4 } },
    text: '`{ length: { at: 2, size: 4 } }`',
    frames: [bytes('05 00 00000004 00000000'), bytes('07 00 00000004 00000200')],
  },
  'SSH agent (list of identities)': {
    framing: { length: 4 },
    text: '`{ length: 4 }`',
    frames: [bytes('00000001 0b')],
    messages: [bytes('0b')],
  },
  'HL7 over MLLP': {
    framing: { start: '\x0b', delimiter: '\x1c\r' },
    text: String.raw`framing: { start: '\x0b', delimiter: '\x1c\r' }`,
    frames: ['\x0bMSH|^~\\&|LAB|A|EMR|B|20261129||ORU^R01|42|P|2.5\r\x1c\r'],
    messages: ['MSH|^~\\&|LAB|A|EMR|B|20261129||ORU^R01|42|P|2.5\r'],
  },
  'H02 (a tracker)': {
    framing: { start: '*', delimiter: '#', outside: 'skip' },
    text: "`framing: { start: '*', delimiter: '#', outside: 'skip' }`",
    frames: [`*${H02}#`, `\r\n*${H02}#\r\n`],
    messages: [H02, H02],
  },
  'MQTT (CONNECT, PUBLISH of 200 bytes, PINGREQ)': {
    framing: { length: { at: 1, size: 'varint', message: 'frame' } },
    text: "`framing: { length: { at: 1, size: 'varint', message: 'frame' } }`",
    frames: [
      bytes('10 0f 0004 4d515454 04 02 003c 0003 616e6e'),
      bytes('30 c801 0001 61') + 'x'.repeat(197),
      bytes('c0 00'),
    ],
  },
  'PostgreSQL (Query, Sync, Terminate)': {
    framing: { length: { at: 1, size: 4, counts: 'frame', add: 1, message: 'frame' } },
    text: "`framing: { length: { at: 1, size: 4, counts: 'frame', add: 1, message: 'frame' } }`",
    frames: [`${bytes('51 0000000d')}SELECT 1\0`, bytes('53 00000004'), bytes('58 00000004')],
  },
  'MySQL (COM_QUERY, COM_PING)': {
    framing: { length: { size: 3, endian: 'little', add: 1, message: 'frame' } },
    text: "`framing: { length: { size: 3, endian: 'little', add: 1, message: 'frame' } }`",
    frames: [`${bytes('090000 00 03')}SELECT 1`, bytes('010000 00 0e')],
  },
  'Protobuf, delimited (field 1 = 150; a text of 200 bytes)': {
    framing: { length: { size: { varint: 5 } } },
    text: '`framing: { length: { size: { varint: 5 } } }`',
    frames: [bytes('03 08 96 01'), bytes('cb01 12 c801') + 'x'.repeat(200)],
    messages: [bytes('08 96 01'), bytes('12 c801') + 'x'.repeat(200)],
  },
  'SMTP, a mail': {
    framing: { delimiter: '\r\n.\r\n' },
    text: String.raw`mail: { delimiter: '\r\n.\r\n' }`,
    frames: ['Subject: hello\r\n\r\nIt rains.\r\n..\r\n.\r\n'],
    messages: ['Subject: hello\r\n\r\nIt rains.\r\n..'],
  },
};

describe.each(Object.entries(PROTOCOLS))('the framing of %s', (_name, { framing, frames, messages, text }) => {
  it('is on the page', () => {
    expect(PAGE).toContain(text);
  });

  it('finds the messages that a client sends, however the network cuts them', () => {
    const stream = Buffer.from(frames.join(''), 'latin1');
    const whole = decodeStream(createFraming(framing, 1024), [stream]);
    expect(whole).toMatchObject({ messages: messages ?? frames, outcome: 'open' });
    expect(decodeStream(createFraming(framing, 1024), everyByte(stream))).toEqual(whole);
  });
});
