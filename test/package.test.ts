import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What would be published, by path. */
function packed(): Set<string> {
  const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--no-update-notifier'], {
    cwd: ROOT,
  });
  const [{ files }] = JSON.parse(String(listing)) as [{ files: readonly { path: string }[] }];
  return new Set(files.map(({ path }) => path));
}

it('what tests put into dist for a moment is not in the npm package', () => {
  const folder = mkdtempSync(`${ROOT}/dist/.test-`);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/a.js`, '');
  expect([...packed()].filter((path) => path.includes('/.'))).toEqual([]);
});

it('what the texts of the product refer to is in the npm package', () => {
  const files = packed();
  const texts = ['README.md', 'src/options/serve-options.ts', 'src/options/refusal.ts'].map((file) =>
    readFileSync(`${ROOT}/${file}`, 'utf8'),
  );
  const named = [...texts.join('\n').matchAll(/\bdocs\/[\w/-]+\.(?:md|svg)/g)].map(([path]) => path);
  expect(named.length).toBeGreaterThan(10);
  expect(
    [...named, 'deploy/heddle.service', 'deploy/heddle.socket', 'dist/page/page.html'].filter(
      (path) => !files.has(path),
    ),
  ).toEqual([]);
});

it('the command can be run as it was built: for a folder that npx has seen before, it does not make it so again', () => {
  expect(String(execFileSync(join(ROOT, 'dist/cli/main.js'), ['--version']))).toMatch(/^\d+\.\d+\.\d+\n$/);
});

/** A project that uses the package as built, with the types of Node and no others. */
function project(service: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-types-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(ROOT, join(folder, 'node_modules/heddle'));
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'service.ts'), service);
  return folder;
}

/** What the compiler says of a project. */
function compile(folder: string, lib: string): string {
  const shape = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--lib', lib];
  const compiler = join(ROOT, 'node_modules/.bin/tsc');
  return spawnSync(compiler, [...shape, 'service.ts'], { cwd: folder, encoding: 'utf8' }).stdout;
}

it('its types refuse a duration or a size that is none, and a decode that expects a Buffer, and show nothing that is not for users', () => {
  const folder = project(`
    import { type CustomFraming, serve } from 'heddle';
    // @ts-expect-error: decode gets a Uint8Array, which has no readInt8
    const bytes: CustomFraming<number> = { decode: (bytes: Buffer) => ({ message: bytes.readInt8(), length: 1 }) };
    console.log(bytes);
    const server = await serve({ idleTimeout: '5m', sendTimeout: 'never', keepAlive: 1000, maxUnsent: '64KiB' });
    // @ts-expect-error: no duration
    await serve({ idleTimeout: '5 minutes' });
    // @ts-expect-error: no size
    await serve({ maxUnsent: '64 kB' });
    // @ts-expect-error: internal
    await server.start();
    // @ts-expect-error: internal
    server.report({});
    await server.drain();`);
  expect(compile(folder, 'es2023,esnext.disposable')).toBe('');
});

it('its source maps have the text of their sources, which are not in the package', () => {
  interface SourceMap {
    readonly sources: readonly string[];
    readonly sourcesContent?: readonly (string | null)[];
  }
  const paths = [...packed()].filter((path) => path.endsWith('.map'));
  const isBlind = (path: string): boolean => {
    const { sources, sourcesContent = [] }: SourceMap = JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
    // What an earlier build has left in dist is nobody's any more.
    const exist = sources.every((source) => existsSync(join(ROOT, path, '..', source)));
    return exist && sources.some((_, index) => typeof sourcesContent[index] !== 'string');
  };
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter(isBlind)).toEqual([]);
});

it.each([
  ['without', 'es2023,esnext.disposable', 'console.log(memory.buffer.byteLength);'],
  ['with', 'es2023,esnext.disposable,dom', 'new WebAssembly.Instance(module, { env: { memory } });'],
])('its types need no others than those of Node: %s the library dom', (_with, lib, use) => {
  const folder = project(`
    import { defineService } from 'heddle';
    declare const module: ${lib.endsWith('dom') ? 'WebAssembly.Module' : 'unknown'};
    export default defineService({
      borrow: true,
      start({ memory }) { if (memory !== undefined) { ${use} } },
      message: (message) => message,
    });
    export { module };`);
  expect(compile(folder, lib)).toBe('');
});
