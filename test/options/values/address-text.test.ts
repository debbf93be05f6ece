import { expect, it } from 'vitest';
import { parseServeOptions } from '../../../src/options/serve-options.ts';

const bare: unknown = Object.create(null);

it.each([
  ['metrics', bare],
  ['metrics', { host: bare, port: 1 }],
  ['metrics', { host: '127.0.0.1', port: bare }],
  ['listen', [bare]],
  ['listen', [{ unix: bare }]],
  ['listen', [{ host: bare, port: 1 }]],
  ['listen', [{ host: '::1', port: bare }]],
])('%s refuses an object that has no text, and says so', (name, value) => {
  expect(() => parseServeOptions({ [name]: value })).toThrow(
    expect.objectContaining({
      code: 'HEDDLE_INVALID_OPTION',
      message: expect.stringContaining(`options.${name} must`),
    }),
  );
});

it.each(['listen', 'allow', 'deny', 'proxyProtocol', 'metricsHosts', 'listenFds'])(
  '%s refuses an array with holes',
  (name) => {
    const holes: unknown[] = [];
    holes.length = 1;
    expect(() => parseServeOptions({ [name]: holes })).toThrow(/options\./);
  },
);
