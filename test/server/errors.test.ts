import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { once } from 'node:events';
import { HeddleError, serve } from 'heddle';
import { afterAll, describe, expect, it } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { quietPort } from '../support/quiet-port.ts';
import { ENGINE, descriptorsBack, openDescriptors, service, start } from './running.ts';

const directory = mkdtempSync(join(tmpdir(), 'heddle-services-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Node does not say which of the two calls it was. */
const BIND = ENGINE === 'net' ? 'listen' : 'bind';

/** Resolves with the error that starting a server ends with; one that starts after all is closed. */
async function failure(options: ServeOptions): Promise<HeddleError> {
  const starting = serve({ host: '127.0.0.1', port: 0, threads: 2, engine: ENGINE, ...options });
  const outcome = await starting.then(
    async (server) => {
      await server.close();
      return new Error('it started');
    },
    (error: unknown) => error as Error,
  );
  expect(outcome).toBeInstanceOf(HeddleError);
  return outcome as HeddleError;
}

describe('a server that cannot listen', () => {
  it('says that the port is in use, and how to go on', async () => {
    await using running = await start(undefined);
    const { port } = running;
    const error = await failure({ port });
    expect(error).toMatchObject({ code: 'HEDDLE_LISTEN', errno: 'EADDRINUSE', syscall: expect.any(String) });
    expect(error.message).toContain(`Cannot listen on 127.0.0.1:${port}: the port is in use.`);
    expect(error.message).toContain('options.port');
  });

  it('says so too when another program has the port on all interfaces', async () => {
    const other = createServer().listen(0);
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const error = await failure({ port, host: undefined });
    expect(error.errno).toBe('EADDRINUSE');
    await new Promise((resolve) => other.close(resolve));
  });

  it('says first that there is no file of the service, which the next try would find', async () => {
    await using running = await start(undefined);
    const error = await failure({ port: running.port, service: 'no-such-service.js' });
    expect(error.code).toBe('HEDDLE_SERVICE_LOAD');
    expect(error.message).toMatch(/^Cannot load the service .*no-such-service\.js: there is no such file$/);
  });

  it('says first what is wrong with the service, and gives up its thread', async () => {
    await using running = await start(undefined);
    const error = await failure({ port: running.port, service: service('broken/unknown-key') });
    expect(error.code).toBe('HEDDLE_SERVICE_LOAD');
    expect(error.message).toMatch(/broken\/unknown-key\.mjs: a service has no 'mesage'/);
    const framing = await failure({ port: running.port, service: service('broken/framing') });
    expect(framing.message).toMatch(/broken\/framing\.mjs: its framing must be /);
    expect((await failure({ port: running.port, service: service('echo') })).code).toBe('HEDDLE_LISTEN');
  });

  it('says first what is wrong with the service when the port of metrics is in use', async () => {
    await using running = await start(undefined, { metrics: 0 });
    const metrics = running.server.metricsAddress?.port ?? 0;
    const error = await failure({ metrics, service: service('broken/neither') });
    expect(error.message).toMatch(/broken\/neither\.mjs: a service needs a message function/);
    expect((await failure({ metrics, service: service('echo') })).code).toBe('HEDDLE_LISTEN');
  });

  it('says that there is no network interface of that name', async () => {
    const error = await failure({ host: 'fe80::1%none7' });
    expect(error.code).toBe('HEDDLE_LISTEN');
    expect(error.message).toContain('Cannot listen on [fe80::1%none7]:0: there is no network interface none7');
  });

  it('says that the machine has no such address', async () => {
    const error = await failure({ host: '192.0.2.1' });
    expect(error).toMatchObject({ code: 'HEDDLE_LISTEN', errno: 'EADDRNOTAVAIL', syscall: BIND });
    expect(error.message).toContain('192.0.2.1');
  });

  it('says that a name has no address', async () => {
    const error = await failure({ host: 'no-such-host.invalid' });
    expect(error.code).toBe('HEDDLE_LISTEN');
    expect(error.message).toContain('no-such-host.invalid');
  });

  it.skipIf(process.getuid?.() === 0)('says that it has no permission', async () => {
    const error = await failure({ port: 1 });
    expect(error).toMatchObject({ code: 'HEDDLE_LISTEN', errno: 'EACCES', syscall: BIND });
  });
});

describe('a service that cannot be loaded', () => {
  it.each([
    ['broken/missing', /broken\/missing\.mjs: there is no such file/],
    ['broken/throws', /no database here.*broken\/throws\.mjs:1/s],
    ['broken/import', /there-is-no-such-file\.mjs/],
    ['broken/no-default', /broken\/no-default\.mjs: the module must have a service as its default export/],
    [
      'broken/neither',
      /broken\/neither\.mjs: a service needs a message function .* a session function .* or a stream function/,
    ],
    ['broken/both', /broken\/both\.mjs: a service has a message function or a session function, not both/],
    ['broken/unknown-key', /broken\/unknown-key\.mjs: a service has no 'mesage'/],
    ['broken/not-a-function', /broken\/not-a-function\.mjs: message must be a function, got string/],
    ['broken/encoding', /broken\/encoding\.mjs: encoding must be 'utf8'/],
    ['broken/framing', /broken\/framing\.mjs: its framing must be /],
    ['broken/borrowing-session', /broken\/borrowing-session\.mjs.*borrow/],
    [
      'broken/start-fails',
      /^Cannot start the service .*start-fails\.mjs: its start failed: .*no licence.*start-fails\.mjs:\d+/,
    ],
    [
      'broken/exits',
      /^Cannot start the service .*broken\/exits\.mjs: process\.exit\(3\) was called on its thread, before it could serve$/,
    ],
  ])('says why: %s', async (name, text) => {
    const before = openDescriptors();
    const error = await failure({ service: service(name) });
    expect(error.message).toMatch(text);
    const code = name === 'broken/exits' ? 'HEDDLE_THREAD_EXIT' : 'HEDDLE_SERVICE_LOAD';
    expect(error.code).toBe(code);
    await descriptorsBack(before);
  });

  it('names the file and the line of a mistake in JavaScript', async () => {
    const file = join(directory, 'mistake.mjs');
    writeFileSync(file, 'export default {\n  message: (message) => message,\n  oops oops\n};\n');
    const error = await failure({ service: file });
    expect(error.code).toBe('HEDDLE_SERVICE_LOAD');
    expect(error.message).toContain(`${file}:3`);
  });

  it('names the file and the line of a mistake in a module that it imports', async () => {
    const [file, between, broken] = ['importing.mjs', 'between.mjs', 'imported.mjs'].map((name) =>
      join(directory, name),
    );
    writeFileSync(file as string, "import { twice } from './between.mjs';\nexport default { message: twice };\n");
    writeFileSync(between as string, "export { twice } from './imported.mjs';\nthrow new Error('it was run');\n");
    writeFileSync(broken as string, 'export const twice = (text) => text + text;\n\nexport const other = ;\n');
    const error = await failure({ service: file });
    expect(error.code).toBe('HEDDLE_SERVICE_LOAD');
    expect(error.message).toMatch(/importing\.mjs: SyntaxError: .* \(at .*\/imported\.mjs:3\)$/);
  });

  it('names the file and the line of an import that finds no such export', async () => {
    const [file, between, other] = ['asking.mjs', 'in-between.mjs', 'without.mjs'].map((name) => join(directory, name));
    writeFileSync(file as string, "import { twice } from './in-between.mjs';\nexport default { message: twice };\n");
    writeFileSync(between as string, "\nimport { twice } from './without.mjs';\nexport { twice };\n");
    writeFileSync(other as string, 'export const once = (text) => text;\n');
    const error = await failure({ service: file });
    expect(error.code).toBe('HEDDLE_SERVICE_LOAD');
    expect(error.message).toMatch(/asking\.mjs: SyntaxError: .*'twice' \(at .*\/in-between\.mjs:2\)$/);
  });

  it('names the file and the line of a mistake in TypeScript', async () => {
    const file = join(directory, 'mistake.ts');
    writeFileSync(file, 'const a: number = 1;\nexport default { message: () => };\n');
    const error = await failure({ service: file });
    expect(error.code).toBe('HEDDLE_SERVICE_LOAD');
    expect(error.message).toContain(`${file}:2`);
  });

  it('leaves the port free', async () => {
    const port = await quietPort();
    const running = await start(undefined, { port });
    await running.server.close();
    expect((await failure({ port, service: service('broken/throws') })).code).toBe('HEDDLE_SERVICE_LOAD');
    await using again = await start(undefined, { port });
    expect(again.port).toBe(port);
  });
});

describe('a service in TypeScript', () => {
  async function answerOf(module: URL, sent: string): Promise<string> {
    await using running = await start(module);
    await using peer = await running.connect();
    return await peer.ask(sent);
  }

  it('runs when its types are only to be left out', async () => {
    const module = new URL('./services/typescript/types-only.ts', import.meta.url);
    expect(await answerOf(module, 'hello')).toBe('typed hello');
  });

  it('runs with what needs more than that: an enum, a parameter property, a namespace', async () => {
    const file = join(directory, 'beyond.ts');
    writeFileSync(
      file,
      `enum Mood { Good = 'good', Bad = 'bad' }
       namespace Words { export const greeting = 'hi'; }
       class Speaker { constructor(readonly mood: Mood) {} }
       export default {
         framing: 'line' as const,
         message: (message: Uint8Array): string => [Words.greeting, new Speaker(Mood.Good).mood, String(message)].join(' '),
       };`,
    );
    expect(await answerOf(pathToFileURL(file), 'you')).toBe('hi good you');
  });

  it('may import a file beside it by the name that it will have as JavaScript', async () => {
    writeFileSync(join(directory, 'dep.ts'), "export const greeting: string = 'hi';");
    const file = join(directory, 'imports-js.ts');
    const code = `import { greeting } from './dep.js';
      export default { framing: 'line', message: (message: Uint8Array): string => greeting + message };`;
    writeFileSync(file, code);
    expect(await answerOf(pathToFileURL(file), ' you')).toBe('hi you');
  });

  it('may have been compiled to CommonJS', async () => {
    const file = join(directory, 'compiled.cjs');
    const code = `"use strict"; Object.defineProperty(exports, "__esModule", { value: true });
      exports.default = { framing: 'line', message: (message) => 'compiled ' + message };`;
    writeFileSync(file, code);
    expect(await answerOf(pathToFileURL(file), 'hello')).toBe('compiled hello');
  });

  it('is given by its path from the working directory as well', async () => {
    await using running = await start('test/server/services/typescript/types-only.ts');
    await using peer = await running.connect();
    expect(await peer.ask('there')).toBe('typed there');
  });
});

it.each([
  [{ threads: -1 }, 'options.threads must be a positive integer, got -1'],
  [{ port: 70_000 }, 'options.port must be an integer from 0 to 65535, got 70000'],
  [{ colour: 'red' }, /^options\.colour is not an option/],
])('refuses the options %j by name, before anything starts', async (options, text) => {
  const before = openDescriptors();
  const error = await failure(options as ServeOptions);
  expect(error.code).toBe('HEDDLE_INVALID_OPTION');
  if (typeof text === 'string') expect(error.message).toBe(text);
  else expect(error.message).toMatch(text);
  await descriptorsBack(before);
});
