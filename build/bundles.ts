/** Writes the JavaScript of `dist`: one file for each kind of thread, and few files for main. */

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type InputOptions, type OutputOptions, type Plugin, rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCE = resolve(ROOT, 'src');
const DIST = resolve(ROOT, 'dist');

/** Where all CommonJS files are: side by side, so that each finds the others beside itself. */
const BUNDLE = 'bundle';

/** What a thread begins with. Each file is whole in itself: a message looks nothing up in another file. */
const THREADS = {
  'epoll-thread': 'epoll/thread-entry.ts',
  'net-thread': 'net/thread-entry.ts',
  'epoll-acceptor': 'epoll/acceptor-entry.ts',
  'net-acceptor': 'net/acceptor-entry.ts',
  'load-thread': 'load/thread-entry.ts',
};

/** What main loads: the command, and what the library loads when it is asked for. */
const MAIN = { cli: 'cli/main.ts', server: 'server/server.ts', client: 'client/connect.ts' };
const LOADED_LATER = { 'server/server.ts': 'server', 'client/connect.ts': 'client' };

/** What users import: all that a thread must have only once, such as classes that user code compares with. */
const LIBRARY = 'index.ts';
const SHARED = 'shared';
/** Every bundle takes these modules from the library's file. */
const SHARED_MODULES = [
  'connection/service.ts',
  'errors.ts',
  'options/module-file.ts',
  'sharing/counter.ts',
  'sharing/lock.ts',
  'sys/file-limit.ts',
];

/** What users import beside the library: it takes nothing of it but types. */
const HTTP = 'http.ts';

/** They import `heddle`, as all services do, and are built to find it beside them: Node takes 4 ms to find a package. */
const SERVICES = { reverse: 'services/reverse.ts', 'reverse-bytes': 'services/reverse-bytes.ts' };

type Files = Readonly<Record<string, string>>;

const inSource = (file: string): string => resolve(SOURCE, file);
const bundleFile = (name: string): string => `${BUNDLE}/${name}.cjs`;

function optionsFor(files: Files, ...plugins: Plugin[]): InputOptions {
  const input = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, inSource(file)]));
  const external = ['koffi', 'jiti', 'commander'];
  return { input, external, platform: 'node', tsconfig: false, plugins };
}

async function write(files: Files, output: OutputOptions, ...plugins: Plugin[]): Promise<void> {
  const bundle = await rolldown(optionsFor(files, ...plugins));
  await bundle.write({ dir: DIST, comments: false, sourcemap: true, ...output });
  await bundle.close();
}

/** Writes CommonJS: `require` reads a file and all that it needs in one go. `chunks` names the files of what is loaded later. */
function writeCommonJs(files: Files, chunks: string, plugins: Plugin[], splitting: OutputOptions = {}): Promise<void> {
  const output = { entryFileNames: bundleFile('[name]'), chunkFileNames: bundleFile(chunks) };
  return write(files, { format: 'cjs', ...output, ...splitting }, ...plugins);
}

/** Has modules taken from bundles: `bundles` names that of each. */
function leaveOut(bundles: Files): Plugin {
  const names = new Map(Object.entries(bundles).map(([file, name]) => [inSource(file), name]));
  return {
    name: 'leave-out',
    resolveId(specifier, importer) {
      const name = importer === undefined ? undefined : names.get(resolve(dirname(importer), specifier));
      return name === undefined ? null : { id: `./${name}.cjs`, external: true };
    },
  };
}

/** What several of them need is one file, but for what only a server needs. */
function writeMain(): Promise<void> {
  const test = /\/src\/(?:cli|log|options|sys|[^/]+$)|\/valibot\//;
  const codeSplitting = { groups: [{ name: 'common', test, minShareCount: 2 }] };
  return writeCommonJs(MAIN, 'main-[name]', [shared], { codeSplitting });
}

/** Has services find `heddle` beside themselves. */
const heddleBeside: Plugin = {
  name: 'heddle beside',
  resolveId: (specifier) => (specifier === 'heddle' ? { id: `./${SHARED}.cjs`, external: true } : null),
};

const shared = leaveOut(Object.fromEntries(SHARED_MODULES.map((file) => [file, SHARED])));

/** The library's file also has what only other bundles see. */
function writeShared(): Promise<void> {
  const text = [LIBRARY, ...SHARED_MODULES]
    .map((file) => `export * from ${JSON.stringify(inSource(file))};`)
    .join('\n');
  const all: Plugin = {
    name: 'all of them',
    resolveId: (specifier) => (specifier === inSource(SHARED) ? specifier : null),
    load: (id) => (id === inSource(SHARED) ? text : null),
  };
  return writeCommonJs({ [SHARED]: SHARED }, '[name]', [all, leaveOut(LOADED_LATER)]);
}

/** Writes what `import 'heddle'` finds in Node: `names`. With `import`, the shared file would take a thread of Node 20 another 6 ms to read. */
function writeLibrary(names: readonly string[]): void {
  const text = [
    "const { createRequire } = process.getBuiltinModule('node:module');",
    `export const { ${names.join(', ')} } = createRequire(import.meta.url)('./${bundleFile(SHARED)}');`,
    '',
  ];
  writeFileSync(resolve(DIST, 'index.js'), text.join('\n'));
}

/** Writes what bundlers find: an ES module that has all in it but servers, whose threads need files. Gives the names of its exports. */
async function writeForBundlers(): Promise<readonly string[]> {
  const bundle = await rolldown(optionsFor({ library: LIBRARY }, leaveOut({ 'server/server.ts': 'server' })));
  const output = { format: 'esm', entryFileNames: `${BUNDLE}/[name].mjs`, codeSplitting: false } as const;
  const { output: files } = await bundle.write({ dir: DIST, comments: false, ...output });
  await bundle.close();
  return files[0].exports;
}

/** Writes what `import 'heddle/http'` finds. */
function writeHttp(): Promise<void> {
  return write({ http: HTTP }, { format: 'esm', entryFileNames: '[name].js' });
}

/** Writes the page that `heddle page` serves: one file, with style and script in it. */
async function writePage(): Promise<void> {
  const [page, source] = [resolve(DIST, 'page'), resolve(SOURCE, 'page')];
  const bundle = await rolldown({ input: resolve(source, 'main.ts'), platform: 'browser', tsconfig: false });
  const { output } = await bundle.generate({ format: 'iife', minify: true, comments: false });
  await bundle.close();
  const read = (file: string): string => readFileSync(resolve(source, file), 'utf8');
  const style = read('page.css').replaceAll(/\s*\n\s*/g, '');
  const html = read('page.html')
    .replace('/* style */', () => style)
    .replace('/* script */', () => output[0].code.trim());
  mkdirSync(page);
  writeFileSync(resolve(page, 'page.html'), html);
}

/** Writes the file that `npx heddle` runs. Node takes a `.js` file as CommonJS, which starts sooner, where the nearest package says so. */
function writeCommand(): void {
  const folder = resolve(DIST, 'cli');
  mkdirSync(folder);
  writeFileSync(resolve(folder, 'package.json'), '{ "type": "commonjs" }\n');
  const text = `#!/usr/bin/env node\nrequire('../${bundleFile('cli')}');\n`;
  writeFileSync(resolve(folder, 'main.js'), text, { mode: 0o755 });
}

/** The part of valibot that is in the bundles of main comes with its licence. */
function writeLicence(): void {
  copyFileSync(resolve(ROOT, 'node_modules/valibot/LICENSE.md'), resolve(DIST, BUNDLE, 'valibot-LICENSE.md'));
}

rmSync(DIST, { recursive: true, force: true });
await writeShared();
writeLibrary(await writeForBundlers());
for (const [name, file] of Object.entries(THREADS)) await writeCommonJs({ [name]: file }, `${name}-[name]`, [shared]);
await writeMain();
for (const [name, file] of Object.entries(SERVICES)) await writeCommonJs({ [name]: file }, '[name]', [heddleBeside]);
await writeHttp();
await writePage();
writeCommand();
writeLicence();
