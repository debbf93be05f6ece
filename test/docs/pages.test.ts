/**
 * Runs every command and every piece of code in the documentation. A comment before a block says how, where that is not plain:
 *
 *     <!-- skip: why it cannot be run here -->
 *     <!-- check: why its types are checked, and it is not run -->
 *     <!-- stays: what its last command prints when it is ready -->   or `port 8080`; it goes on until the next heading
 *
 * `heddle serve` stays without a comment. A block of code begins with `// name.ts` if something else on the page uses it.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, commandsOf, indentedCode, isCode, isShell } from './blocks.ts';
import { PageRun } from './page-run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All but the API reference: its examples are those of the docstrings, which `test/examples.test.ts` runs. */
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && path !== 'api.md')
    .map((path) => `docs/${path}`)
    .sort(),
];

const LANGUAGES = /^(?:sh|console|m?[jt]s|text|ini|json|yaml|dockerfile|haproxy|nginx)$/;

const COMPILER_OPTIONS = {
  noEmit: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  allowImportingTsExtensions: true,
  skipLibCheck: true,
};

/** What a reader's shell finds, by name. `npx` here runs what is installed, and fetches nothing. */
const COMMANDS = {
  heddle: `exec node ${ROOT}/dist/cli/main.js "$@"`,
  npx: 'exec "$@"',
  jiti: `exec ${ROOT}/node_modules/.bin/jiti "$@"`,
  vitest: `exec ${ROOT}/node_modules/.bin/vitest "$@"`,
};

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

describe.each(PAGES)('%s', (page) => {
  const blocks = blocksOf(read(page));

  it('says of each block what it is', () => {
    expect(indentedCode(read(page))).toEqual([]);
    expect(blocks.filter(({ language }) => !LANGUAGES.test(language)).map(({ line }) => line)).toEqual([]);
  });

  it('has no command in a block that is not run', () => {
    const texts = blocks.filter(({ language, mark }) => language === 'text' && mark === undefined);
    expect(
      texts.filter(({ text }) => /^(?:\$ |npm |npx |node |heddle [a-z])/m.test(text)).map(({ line }) => line),
    ).toEqual([]);
  });

  it('names scripts of the package that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const lines = blocks.filter(isShell).flatMap((block) => commandsOf(block).map(({ line }) => line));
    const named = lines.flatMap((line) => /\bnpm run (?:-s )?([\w:]+)/.exec(line)?.[1] ?? []);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('the code in the documentation', () => {
  const parent = mkdtempSync(join(tmpdir(), 'heddle-docs-'));
  const bin = join(parent, 'bin');
  const runs = new Map(
    PAGES.map((page) => {
      const folder = join(parent, page.replaceAll('/', '-').replace(/\.md$/, ''));
      return [page, new PageRun(read(page), { bin, folder })] as const;
    }),
  );
  afterAll(() => rmSync(parent, { recursive: true }));

  beforeAll(async () => {
    furnish(parent);
    for (const run of runs.values()) await run.writeFiles();
  });

  it('compiles', () => {
    writeFileSync(
      join(parent, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS, include: ['**/*.ts'] }),
    );
    const { stdout, status } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', parent], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  const withCode = PAGES.filter((page) => blocksOf(read(page)).some((block) => isShell(block) || isCode(block)));
  it.each(withCode)('runs: %s', async (page) => {
    await using run = runs.get(page) as PageRun;
    for (const block of run.blocks) {
      await run.run(block).catch((error: Error) => {
        throw new Error(`${page}:${block.line}: ${error.message}`, { cause: error });
      });
    }
    await run.finish();
  });

  /** Makes `folder` a project that has installed Heddle, with the commands that its reader has. */
  function furnish(folder: string): void {
    mkdirSync(bin, { recursive: true });
    for (const [name, script] of Object.entries(COMMANDS)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/heddle'));
    for (const name of ['@types', 'vitest'])
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  }
});
