import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const STATIC_IMPORT = /^(?:import|export)\s(?!type\s)[^;]*?from\s+'([^']+)'/gm;

/** What is loaded, at once, with `file`: its static imports and theirs, but for those of types. */
function loadedWith(file: URL, found = new Set<string>()): Set<string> {
  if (found.has(file.href)) return found;
  found.add(file.href);
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)) {
    if (specifier.startsWith('.')) loadedWith(new URL(specifier, file), found);
    else found.add(specifier);
  }
  return found;
}

it.each([
  'index.ts',
  'epoll/thread-entry.ts',
  'net/thread-entry.ts',
  'epoll/acceptor-entry.ts',
  'net/acceptor-entry.ts',
  'cli/main.ts',
])('%s loads without valibot', (path) => {
  expect(loadedWith(new URL(`../../src/${path}`, import.meta.url))).not.toContain('valibot');
});

it.each(['server/server.ts', 'client/connect.ts'])('%s loads it', (path) => {
  expect(loadedWith(new URL(`../../src/${path}`, import.meta.url))).toContain('valibot');
});
