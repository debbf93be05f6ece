import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../src/load/target.ts';

describe('a target', () => {
  it.each([
    [':4000', '127.0.0.1', 4000],
    ['127.0.0.1:80', '127.0.0.1', 80],
    ['localhost', 'localhost', 12345],
    ['[::1]:99', '::1', 99],
    ['[fe80::1%eth0]', 'fe80::1%eth0', 12345],
  ])('is read: %s', (text, host, port) => {
    expect(parseTarget(text)).toEqual({ name: text, host, port, unix: undefined, isTls: false });
  });

  it('may be a Unix socket', () => {
    expect(parseTarget('unix:/run/x.sock').unix).toBe('/run/x.sock');
  });

  it('may speak TLS', () => {
    expect(parseTarget('tls://:4000')).toMatchObject({ host: '127.0.0.1', port: 4000, isTls: true });
    expect(parseTarget('tls://[::1]')).toMatchObject({ host: '::1', port: 12345, isTls: true });
    expect(parseTarget('tls://unix:/run/x.sock')).toMatchObject({ unix: '/run/x.sock', isTls: true });
  });

  it.each([
    'tls://',
    'tls:',
    'tls://unix:',
    '',
    ':',
    ':0',
    ':65536',
    'a b',
    '::1',
    '[a]:1',
    'http://x:1',
    'unix:',
    ':x',
  ])('refuses %j', (text) => {
    expect(() => parseTarget(text)).toThrow(/^A target must be address:port/);
  });
});
