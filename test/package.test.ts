import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  expect([...named, 'deploy/heddle.service', 'deploy/heddle.socket'].filter((path) => !files.has(path))).toEqual([]);
});
