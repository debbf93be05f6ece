/**
 * Writes docs/api.md from the docstrings of what the library exports. With `--check` it writes nothing, and ends with status 1 if
 * the page is stale. This folder is a workspace of its own, because TypeDoc needs TypeScript 6: version 7 has no API for programs yet.
 */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = new URL('../../docs/api.md', import.meta.url);
const OPTIONS = fileURLToPath(new URL('typedoc.json', import.meta.url));
const TYPEDOC = join(createRequire(import.meta.url).resolve('typedoc'), '../../bin/typedoc');

const INTRODUCTION = `# API reference

<!-- Written by \`npm run docs\` from the docstrings in src. -->

This page lists everything that \`import … from 'heddle'\` gives, with its types. [Services](services.md) explains how to write a service, [Streams](streams.md) has
\`heddle/http\`, and [Options](options.md) has each option with its flag and its default.

`;

/** Gives the whole page. */
function apiPage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-api-'));
  try {
    execFileSync(process.execPath, [TYPEDOC, '--options', OPTIONS, '--out', folder], { stdio: 'inherit' });
    return INTRODUCTION + readFileSync(join(folder, 'api.md'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const page = apiPage();
if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, page);
} else if (page !== readFileSync(PAGE, 'utf8')) {
  console.error('docs/api.md is stale: the docstrings in src have changed. Write the page again: npm run docs');
  process.exitCode = 1;
}
