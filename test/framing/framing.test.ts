import { describe, expect, it } from 'vitest';
import { createFraming, type FramingSpec, parseFramingSpec } from '../../src/framing/framing.ts';

const refused = expect.objectContaining({
  code: 'HEDDLE_INVALID_OPTION',
  message: expect.stringMatching(/^options\./),
});

describe('createFraming', () => {
  it.each([
    ['chunk', 'chunk', 0],
    ['line', 'line', 1],
    ['length', 'length', 4],
    ['end', 'end', 0],
    [{ line: 'lf', atEnd: 'message' }, 'line', 1],
    [{ length: 1 }, 'length', 1],
    [{ delimiter: '\r\n' }, 'delimiter', 2],
    [{ line: 'crlf' }, 'line', 2],
    [{ length: { size: 3 } }, 'length', 3],
    [{ length: { size: 'varint' } }, 'length', 4],
    [{ length: { at: 4, size: 2 } }, 'length', 0],
    [{ start: '<', delimiter: '>>' }, 'delimiter', 3],
  ] as [FramingSpec, string, number][])('makes %j', (spec, name, overhead) => {
    expect(createFraming(spec, 1)).toMatchObject({ name, overhead });
  });

  it.each([
    'lines',
    '',
    4,
    null,
    undefined,
    {},
    { length: 3 },
    { length: {} },
    { length: { size: 5 } },
    { length: { size: { varint: 6 } } },
    { length: { size: 2, at: -1 } },
    { length: { size: 2, at: 1.5 } },
    { length: { size: 2, at: 1, message: 'body' } },
    { length: { size: 2, add: '1' } },
    { length: { size: 2, endian: 'middle' } },
    { length: { size: 2, counts: 'body' } },
    { length: { size: 2, lenght: 1 } },
    { head: '\r\n\r\n' },
    { head: '', length: () => 0 },
    { head: '\n\n', length: 4 },
    { start: '<' },
    { start: '', delimiter: '>' },
    { delimiter: '>', outside: 'skip' },
    { start: '<', delimiter: '>', outside: 'drop' },
    { delimiter: [] },
    { delimiter: ['a', ''] },
    { length: '4' },
    { length: 1, delimiter: 'a' },
    { line: 'cr' },
    { line: 'lf', atEnd: 'drop' },
    { length: 1, atEnd: 'message' },
    { atEnd: 'message' },
    { delimiter: '' },
    { delimiter: new Uint8Array() },
    { delimiter: 10 },
    { delimiter: [10] },
    [1],
    new Uint8Array(4),
    () => undefined,
    { decode: () => undefined, encode: 1 },
    { decode: () => undefined, refuse: 'no' },
    { encode: () => undefined, decode: 1 },
  ])('refuses %o', (spec) => {
    expect(() => createFraming(spec as FramingSpec, 10)).toThrow(refused);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5'])('refuses the limit %s by name', (limit) => {
    expect(() => createFraming('line', limit as number)).toThrow(
      /^options.maxMessageLength must be a positive integer, got /,
    );
  });
});

describe('parseFramingSpec', () => {
  it.each([
    ['chunk', 'chunk'],
    ['line', 'line'],
    ['length', 'length'],
    ['end', 'end'],
    ['line:refuse', { line: 'lf', atEnd: 'refuse' }],
    ['length:1', { length: 1 }],
    ['length:2', { length: 2 }],
    ['length:4', { length: 4 }],
    ['line:crlf', { line: 'crlf' }],
    ['line:crlf,refuse', { line: 'crlf', atEnd: 'refuse' }],
    ['length:3', { length: { size: 3 } }],
    ['length:varint', { length: { size: 'varint' } }],
    ['length:varint5,at=1', { length: { size: { varint: 5 }, at: 1 } }],
    ['length:2,at=4,message=frame', { length: { size: 2, at: 4, message: 'frame' } }],
    ['length:4,endian=little,add=-4', { length: { size: 4, endian: 'little', add: -4 } }],
    ['marks:\\x0b,\\x1c\\r', { start: Uint8Array.from([11]), delimiter: [Uint8Array.from([28, 13])] }],
    ['marks:,a,b', { delimiter: [Uint8Array.from([97]), Uint8Array.from([98])] }],
    ['delimiter:|', { delimiter: Uint8Array.from([124]) }],
    ['delimiter:a:b', { delimiter: Uint8Array.from([97, 58, 98]) }],
    ['delimiter:é', { delimiter: Uint8Array.from([0xc3, 0xa9]) }],
    ['delimiter:\\r\\n\\t\\0\\\\', { delimiter: Uint8Array.from([13, 10, 9, 0, 92]) }],
    ['delimiter:\\xfF0\\\\x41', { delimiter: Uint8Array.from([0xff, 48, 92, 120, 52, 49]) }],
  ])('reads %s', (text, spec) => {
    expect(parseFramingSpec(text)).toEqual(spec);
  });

  it.each([
    '',
    'Line',
    'length:,',
    'length:22',
    'length:2,at',
    'length:2,size=4',
    'marks:',
    'marks:a',
    'marks:a,',
    'line:lf',
    'length:',
    'delimiter',
    'delimiter:',
    'delimiter:\\',
    'delimiter:\\q',
    'delimiter:\\x1',
    'delimiter:\\xgg',
    'delimiter:a\\',
    'toString',
    'delimiter:\\constructor',
  ])('refuses %j', (text) => {
    expect(() => parseFramingSpec(text)).toThrow(refused);
  });
});
