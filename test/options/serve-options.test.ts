import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serveCommandSchema } from '../../src/cli/serve-command-options.ts';
import { HeddleError } from '../../src/errors.ts';
import { connectSchema } from '../../src/options/connect-options.ts';
import { aboutOptions } from '../../src/options/schema.ts';
import { parseCidr } from '../../src/options/values/cidr.ts';
import { parseServeOptions, serveSchema } from '../../src/options/serve-options.ts';
import { cpuCount } from '../../src/sys/cpu-count.ts';

function refusal(input: unknown): string {
  try {
    parseServeOptions(input);
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'HEDDLE_INVALID_OPTION') return error.message;
    throw error;
  }
  throw new Error(`was not refused: ${String(input)}`);
}

const SOCKET_PATH = 'must be the path of a socket, of 1 to 107 bytes (a relative path may be shorter)';

describe('the options of serve', () => {
  it('have a default each', () => {
    const cpus = cpuCount();
    expect(parseServeOptions(undefined)).toEqual({
      service: undefined,
      host: undefined,
      port: undefined,
      unix: undefined,
      listen: undefined,
      listenFds: undefined,
      backlog: 4096,
      threads: { min: cpus, max: 4 * cpus + 4 },
      maxClients: undefined,
      overflow: 'wait',
      maxClientsPerAddress: Infinity,
      allow: undefined,
      deny: undefined,
      clientsPerThread: Infinity,
      placement: 'least-busy',
      moveAfter: 5,
      framing: undefined,
      maxMessageLength: 1_048_576,
      idleTimeout: 600_000,
      keepAlive: 60_000,
      maxMemory: undefined,
      messageTimeout: 30_000,
      sendTimeout: 30_000,
      maxUnsent: undefined,
      maxClientState: 16 * 1024,
      rate: 'none',
      proxyProtocol: [],
      tls: undefined,
      tlsHandshakeTimeout: 5000,
      engine: 'auto',
      handlerTimeout: 30_000,
      drainDelay: 0,
      shutdownTimeout: 15_000,
      threadMemory: undefined,
      metrics: undefined,
      metricsHosts: [],
      shared: undefined,
      onEvent: undefined,
    });
  });

  it('are settings that, given again, are the same', () => {
    const onEvent = (): void => {};
    const service = new URL('file:///service.js');
    const settings = parseServeOptions({
      service,
      host: '::1',
      port: 0,
      unix: '/run/x.sock',
      unixMode: '0660',
      listenFds: [3, 4],
      threads: '2..24',
      framing: 'length:2',
      moveAfter: 'never',
      threadMemory: '64MiB',
      proxyProtocol: '127.0.0.1, unix, 2001:db8::/32',
      shared: { a: 1 },
      allow: '10.0.0.0/8, ::1',
      deny: ['10.9.9.9'],
      onEvent,
    });
    expect(settings).toMatchObject({
      service,
      threads: { min: 2, max: 24 },
      moveAfter: Infinity,
      threadMemory: 67_108_864,
      framing: { length: 2 },
      proxyProtocol: [parseCidr('127.0.0.1'), 'unix', parseCidr('2001:db8::/32')],
      allow: [parseCidr('10.0.0.0/8'), parseCidr('::1')],
      deny: [parseCidr('10.9.9.9')],
    });
    expect(parseServeOptions(settings)).toEqual(settings);
  });

  it('may be undefined, which is absent', () => {
    expect(parseServeOptions({ backlog: undefined }).backlog).toBe(4096);
  });

  it.each([
    ['0660', 0o660],
    ['660', 0o660],
    ['0o660', 0o660],
    [0o660, 0o660],
    ['0000', 0],
  ])('take the file mode %j', (given, mode) => {
    expect(parseServeOptions({ unix: '/x', unixMode: given }).unixMode).toBe(mode);
  });

  it.each([
    [4, 4, 4],
    ['4', 4, 4],
    ['2..24', 2, 24],
    ['3..3', 3, 3],
    [{ min: 2, max: 5 }, 2, 5],
    [{ max: 1 }, 1, 1],
    [500, 500, 500],
  ])('take %j threads', (threads, min, max) => {
    expect(parseServeOptions({ threads }).threads).toEqual({ min, max });
  });

  it('raise the greatest number of threads to the least one', () => {
    expect(parseServeOptions({ threads: { min: 400 } }).threads).toEqual({ min: 400, max: 400 });
  });

  it.each<[string, unknown]>([
    ['options.threads must be a positive integer, got -1', { threads: -1 }],
    ['options.threads must be a positive integer, got 0', { threads: 0 }],
    ['options.threads must be a positive integer, got 1.5', { threads: 1.5 }],
    ['options.threads must be at most 500, got 501', { threads: 501 }],
    ['options.threads must have the smaller number first, as in 2..24, got "24..2"', { threads: '24..2' }],
    ['options.threads must be a range from 1 to at most 500, such as 2..24, got "0..2"', { threads: '0..2' }],
    ['options.threads must be a range from 1 to at most 500, such as 2..24, got "2..501"', { threads: '2..501' }],
    [
      'options.unixMode is for a Unix socket, and there is none: name its path with options.unix, or leave options.unixMode out',
      { unixMode: '0660', listen: ':1' },
    ],
    ['options.threads must be a positive integer or a range such as 2..24, got "many"', { threads: 'many' }],
    ['options.threads.min must be a positive integer, got 0', { threads: { min: 0, max: 2 } }],
    ['options.threads.max must be at least threads.min, which is 3, got 2', { threads: { min: 3, max: 2 } }],
    ['options.threads must be { min, max } and nothing else, got {"least":3}', { threads: { least: 3 } }],
    ['options.port must be an integer from 0 to 65535, got 65536', { port: 65_536 }],
    ['options.port must be an integer from 0 to 65535, got "80"', { port: '80' }],
    ['options.port must be an integer from 0 to 65535, got NaN', { port: NaN }],
    ['options.host must be an IP address or a host name, got ""', { host: '' }],
    ['options.host must be an IP address or a host name, got "a b\\n"', { host: 'a b\n' }],
    ['options.host must be an IP address or a host name, got "a:b"', { host: 'a:b' }],
    ['options.host must be an IP address without brackets: ::1, got "[::1]"', { host: '[::1]' }],
    [
      'options.host must be an IP address alone: ::1, with the port 80 as the option for that, got "[::1]:80"',
      { host: '[::1]:80' },
    ],
    [
      'options.host must be an IP address alone: 127.0.0.1, with the port 4336 as the option for that, got "127.0.0.1:4336"',
      { host: '127.0.0.1:4336' },
    ],
    [`options.unix ${SOCKET_PATH}, got ""`, { unix: '' }],
    [`options.unix ${SOCKET_PATH}, got "/a\\u0000b"`, { unix: '/a\0b' }],
    [`options.unix ${SOCKET_PATH}, got "${'é'.repeat(54)}"`, { unix: 'é'.repeat(54) }],
    ['options.unixMode must be a file mode such as 0660, got 660', { unixMode: 660 }],
    ['options.unixMode must be a file mode such as 0660, got "rw"', { unixMode: 'rw' }],
    ['options.unixMode must be a file mode such as 0660, got "0888"', { unixMode: '0888' }],
    ['options.listenFds must be an array of file descriptors, got [-1]', { listenFds: [-1] }],
    [
      'options.placement source-hash does not go with options.proxyProtocol: a client has its thread before its PROXY header says which address it has; choose another placement, such as least-busy',
      { placement: 'source-hash', proxyProtocol: ['10.0.0.1'] },
    ],
    [
      'options.placement must be one of least-busy, least-clients, round-robin, source-hash, got "random"',
      { placement: 'random' },
    ],
    ['options.moveAfter must be a duration such as 250ms, 30s or 5m, or never, got "soon"', { moveAfter: 'soon' }],
    ['options.moveAfter must be at least 1ms, got 0', { moveAfter: 0 }],
    ['options.shutdownTimeout must be at most 596h, got Infinity', { shutdownTimeout: Infinity }],
    ['options.handlerTimeout must be at most 596h, or never, got "597h"', { handlerTimeout: '597h' }],
    ['options.maxMessageLength must be a size such as 512B, 64KiB or 1MiB, got "1MB"', { maxMessageLength: '1MB' }],
    ['options.maxMessageLength must be at least 1B, got 0', { maxMessageLength: 0 }],
    ['options.clientsPerThread must be a positive integer or Infinity, got 0', { clientsPerThread: 0 }],
    ['options.maxClients must be a positive integer, got 0', { maxClients: 0 }],
    ['options.maxClients must be a positive integer, got Infinity', { maxClients: Infinity }],
    ['options.maxClients must be at most 1000000, got 1000001', { maxClients: 1_000_001 }],
    ['options.overflow must be one of wait, reject, got "drop"', { overflow: 'drop' }],
    ['options.maxClientsPerAddress must be a positive integer or Infinity, got 0', { maxClientsPerAddress: 0 }],
    ['options.allow must be a list with at least one address: nobody could connect, got []', { allow: [] }],
    [
      'options.allow must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, got "10.0.0.0/33"',
      { allow: ['::1', '10.0.0.0/33'] },
    ],
    [
      'options.deny must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, got "localhost"',
      { deny: '::1,localhost' },
    ],
    [
      'options.allow must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, got "unix"',
      { allow: 'unix' },
    ],
    [
      'options.proxyProtocol must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, or unix, got "10.0.0.1/8"',
      { proxyProtocol: ['::1', '10.0.0.1/8'] },
    ],
    [
      'options.proxyProtocol must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, or unix, got ""',
      { proxyProtocol: '' },
    ],
    [
      'options.proxyProtocol must be IP addresses and networks such as 10.0.0.0/8, with no bit set behind the prefix, or unix, got [7]',
      { proxyProtocol: [7] },
    ],
    [
      "options.framing must be 'chunk', 'line', 'length', 'end', { line, atEnd }, { length }, { delimiter, start, outside, atEnd }, { head, length }, or { decode, encode, refuse, state }, got [null,null]",
      { framing: new Array(2) },
    ],
    ['options.service must be the URL or the path of a module, got 7', { service: 7 }],
    ['options.onEvent must be a function that takes an event, got "log"', { onEvent: 'log' }],
    ['options.backlog must be a positive integer, got 1n', { backlog: 1n }],
    ['options.port must be an integer from 0 to 65535, got a function', { port: () => 1 }],
    ['options.prot is not an option; did you mean port?', { prot: 1 }],
    ['options.maxMessagelength is not an option; did you mean maxMessageLength?', { maxMessagelength: 1 }],
    ['options must be an object of options, got 7', 7],
    ['options must be an object of options, got []', []],
  ])('refuse: %s', (message, input) => {
    expect(refusal(input)).toBe(message);
  });

  it.each([
    ['an object', { message: () => 'a' }],
    ['a function', () => 'a'],
  ])('refuse a service that is %s, and say how to write it', (what, given) => {
    expect(refusal({ service: given })).toBe(
      `options.service must be the URL or the path of a module, got ${what}: each thread loads the service itself. Write \`export default defineService({ … })\` in a file of its own, such as service.js, and name that file: \`serve({ service: new URL('./service.js', import.meta.url) })\``,
    );
  });

  it('name what there is when nothing is near to an unknown one', () => {
    expect(refusal({ colour: 'red' })).toMatch(
      /^options\.colour is not an option; the options are service, host, port, /,
    );
  });

  it('refuse a framing of the user’s own with the place for it', () => {
    expect(refusal({ framing: { decode() {}, encode() {} } })).toContain('belongs in the service');
  });

  it.each([
    { length: 3 },
    { delimiter: '' },
    { delimiter: 'x', length: 1 },
    'words',
    4,
    { length: 4, x: 1 },
    { length: 4, atEnd: 'message' },
    { line: 'cr' },
    { line: 'lf', atEnd: 'drop' },
  ])('refuse the framing %j', (framing) => {
    expect(refusal({ framing })).toMatch(/^options\.framing must (?:be|have) /);
  });

  it('are not taken from a prototype', () => {
    expect(refusal(JSON.parse('{"__proto__x": 1, "constructor": 2}'))).toContain('is not an option');
  });

  it('have a help text and a form each', () => {
    for (const option of [serveCommandSchema, connectSchema].flatMap(aboutOptions)) {
      expect(option).toMatchObject({ help: expect.stringMatching(/./), form: expect.stringMatching(/./) });
    }
  });

  it('say of anything at all what it must be', () => {
    const names = Object.keys(serveSchema.entries);
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.anything(), (name, value) => {
        try {
          // A mode alone, were it a good one, would be for no socket.
          parseServeOptions({ [name]: value, ...(name === 'unixMode' && { unix: '/run/x.sock' }) });
        } catch (error) {
          // What was given for TLS is not shown: a private key may be in it.
          const pattern = name === 'tls' ? /^options\.tls (must|has) / : /^options\.\w+(\.\w+)? must be [^]*, got /;
          expect(error).toMatchObject({ message: expect.stringMatching(pattern) });
        }
      }),
    );
  });

  it.each([
    ['serve', serveSchema],
    ['connect', connectSchema],
  ])('have a docstring with a default each in the types of %s', (command, { entries }) => {
    const types = readFileSync(new URL(`../../dist/options/${command}-options.d.ts`, import.meta.url), 'utf8');
    for (const name of Object.keys(entries)) {
      expect(types, name).toMatch(new RegExp(`@default [^\\n]+\\n\\s+\\*/\\n\\s+${name}: `));
    }
  });
});
