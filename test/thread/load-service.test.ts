import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadService } from '../../src/thread/load-service.ts';

const directory = mkdtempSync(join(tmpdir(), 'heddle-load-'));
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;

/** Loads a module of `source`. */
function load(source: string): Promise<unknown> {
  const file = join(directory, `service-${++count}.mjs`);
  writeFileSync(file, source);
  return loadService(pathToFileURL(file).href);
}

describe('loadService', () => {
  it('gives the default export, whatever else the module exports', async () => {
    const service = await load(
      'export const more = 1; export default { framing: "line", message: (message) => message };',
    );
    expect(service).toEqual({ framing: 'line', message: expect.any(Function) });
  });

  it('takes a service that has every hook', async () => {
    const hooks = ['open', 'close', 'start', 'stop'].map((name) => `${name}() {}`).join(', ');
    const service = await load(`export default { ${hooks}, async session() {}, encoding: 'utf8' };`);
    expect(Object.keys(service as object)).toEqual(['open', 'close', 'start', 'stop', 'session', 'encoding']);
  });

  it.each([
    'export default (message) => message;',
    'export default async function answer(message) { return message; }',
    'export default Object.assign((message) => message, { note: 1 });',
  ])('takes a function for one that answers a message: %s', async (source) => {
    const service = (await load(source)) as { message(text: string): unknown };
    expect(Object.keys(service)).toEqual(['message']);
    expect(await service.message('a')).toBe('a');
  });

  it('takes an instance of a class', async () => {
    const service = await load('class Echo { message(message) { return message; } } export default new Echo();');
    expect((service as { message(text: string): string }).message('a')).toBe('a');
  });

  it.each([
    ['export default undefined;', 'must have a service as its default export'],
    ['export default class { message() {} };', 'its default export is a class, which cannot be called'],
    ['export default {};', 'a service needs a message function'],
    ['export default { message() {}, session() {} };', 'not both'],
    ['export default { message() {}, Open() {} };', "a service has no 'Open'; it has message, session, stream, open"],
    ['export default { message() {}, open: 1 };', 'open must be a function, got number'],
    ['export default { message() {}, encoding: "utf16" };', "encoding must be 'utf8' or left out, got 'utf16'"],
  ])('refuses %s', async (source, text) => {
    const loading = load(source);
    await expect(loading).rejects.toMatchObject({ name: 'HeddleError', code: 'HEDDLE_SERVICE_LOAD' });
    await expect(loading).rejects.toThrow(text);
    await expect(loading).rejects.toThrow(`service-${count}.mjs: `);
  });

  it('names the place of what is thrown while the module loads', async () => {
    const loading = load('\n\nthrow new TypeError("no such table");');
    await expect(loading).rejects.toThrow(
      /service-\d+\.mjs: TypeError: no such table \(at .*service-\d+\.mjs:3(:\d+)?\)$/,
    );
    await expect(loading).rejects.toMatchObject({ cause: expect.any(TypeError) });
  });

  it('runs a module with a top-level await once', async () => {
    const source = 'globalThis.runs = (globalThis.runs ?? 0) + 1; await 0;';
    const service = await load(`${source} export default { message: () => String(globalThis.runs) };`);
    expect((service as { message(): string }).message()).toBe('1');
  });

  it('takes a module that is CommonJS', async () => {
    const file = join(directory, 'service.cjs');
    writeFileSync(file, 'exports.message = (text) => text;');
    expect(await loadService(pathToFileURL(file).href)).toEqual({ message: expect.any(Function) });
  });

  it('takes each version of a module that its URL asks for', async () => {
    const file = join(directory, 'versions.mjs');
    writeFileSync(file, 'export default { message: () => import.meta.url };');
    const [one, two] = await Promise.all(['?1', '?2'].map((query) => loadService(pathToFileURL(file).href + query)));
    expect(one).not.toBe(two);
  });

  it('copes with a module that throws something else than an error', async () => {
    await expect(load('throw "no";')).rejects.toThrow(/service-\d+\.mjs: 'no'$/);
  });
});
