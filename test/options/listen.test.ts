import { describe, expect, it } from 'vitest';
import { parseServeOptions } from '../../src/options/serve-options.ts';

function refusal(listen: unknown): string {
  try {
    parseServeOptions({ listen });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

const SYNTAX =
  'options.listen must be addresses such as 127.0.0.1:12345, [::1]:12345, :12345 and unix:/run/x.sock (a path of at most 107 bytes)';

describe('listen', () => {
  it.each([
    ['127.0.0.1:12345', { host: '127.0.0.1', port: 12_345 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['[fe80::1%lo]:80', { host: 'fe80::1%lo', port: 80 }],
    ['host-1.example.com:65535', { host: 'host-1.example.com', port: 65_535 }],
    [':12345', { port: 12_345 }],
    [':0', { port: 0 }],
    ['unix:/run/x.sock', { unix: '/run/x.sock' }],
    ['unix:x:80', { unix: 'x:80' }],
  ])('reads %s', (text, place) => {
    expect(parseServeOptions({ listen: text }).listen).toEqual([place]);
    expect(parseServeOptions({ listen: [place] }).listen).toEqual([place]);
  });

  it('is a list, in text with commas', () => {
    const listen = ['127.0.0.1:1', '[::1]:1', 'unix:/run/x.sock'];
    const settings = parseServeOptions({ listen: listen.join(', ') });
    expect(parseServeOptions({ listen })).toEqual(settings);
    expect(parseServeOptions(settings)).toEqual(settings);
  });

  it.each([
    ['', '""'],
    ['12345', '"12345"'],
    ['127.0.0.1', '"127.0.0.1"'],
    ['127.0.0.1:', '"127.0.0.1:"'],
    ['127.0.0.1:65536', '"127.0.0.1:65536"'],
    ['127.0.0.1:-1', '"127.0.0.1:-1"'],
    ['::1:80', '"::1:80"'],
    ['[127.0.0.1]:80', '"[127.0.0.1]:80"'],
    ['[::1]', '"[::1]"'],
    ['http://a:80', '"http://a:80"'],
    ['unix:', '"unix:"'],
    [`unix:/${'x'.repeat(107)}`, `"unix:/${'x'.repeat(107)}"`],
    [['unix:/a\0b'], String.raw`"unix:/a\u0000b"`],
    [[':1', ''], '""'],
    [[{ host: '::1' }], String.raw`"{\"host\":\"::1\"}"`],
    [[7], '"7"'],
    [[], '[]'],
    [7, '7'],
  ])('refuses %j', (listen, got) => {
    expect(refusal(listen)).toBe(`${SYNTAX}, got ${got}`);
  });

  it.each([
    [':80,:80', 'has :80 twice'],
    ['127.0.0.1:80,:81,127.0.0.1:80', 'has 127.0.0.1:80 twice'],
    ['[::1]:80,[0:0::1]:80', 'has [0:0::1]:80 twice'],
    ['a.example:80,A.Example:80', 'has A.Example:80 twice'],
    ['unix:/run/x,unix:/run/../run/x', 'has unix:/run/../run/x twice'],
    [':80,127.0.0.1:80', 'has 127.0.0.1:80 beside :80, which it is a part of: leave out one'],
    ['[::1]:80,:80', 'has [::1]:80 beside :80, which it is a part of: leave out one'],
    ['0.0.0.0:80,127.0.0.1:80', 'has 127.0.0.1:80 beside 0.0.0.0:80, which it is a part of: leave out one'],
    ['[::1]:80,[::]:80', 'has [::1]:80 beside [::]:80, which it is a part of: leave out one'],
    ['[::]:80,:80', 'has [::]:80 beside :80, which it is a part of: leave out one'],
  ])('refuses what it cannot have twice: %s', (listen, message) => {
    expect(refusal(listen)).toBe(`options.listen ${message}`);
  });

  it.each([
    '127.0.0.1:80,[::1]:80',
    '0.0.0.0:80,[::]:80',
    '0.0.0.0:80,[::1]:80',
    ':80,127.0.0.1:81',
    ':0,:0',
    '127.0.0.1:0,127.0.0.1:0',
    'unix:/a,unix:/b',
  ])('takes what lies side by side: %s', (listen) => {
    expect(parseServeOptions({ listen }).listen).toHaveLength(2);
  });

  it.each(['host', 'port', 'unix'] as const)('does not go with %s', (name) => {
    const given = { host: '::1', port: 0, unix: '/run/x.sock' }[name];
    expect(() => parseServeOptions({ listen: ':80', [name]: given })).toThrow(
      `options.listen does not go with options.${name}: say all of it in options.listen, or leave options.listen out`,
    );
  });
});
