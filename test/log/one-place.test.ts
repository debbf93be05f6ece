import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SOURCE = join(import.meta.dirname, '../../src');

/** What may name the standard streams: the log, which never waits for them, and the command where it runs no server. */
const ALLOWED = ['cli/main.ts', 'cli/program.ts', 'log/target.ts'];

it('nothing but the log writes to the standard streams of a server', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const writers = files.filter((name) => {
    const code = readFileSync(join(SOURCE, name), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
    return /\bconsole\.|\bprocess\s*\.\s*(?:stdout|stderr)\b|\b_rawDebug\b/.test(code);
  });
  expect(writers.toSorted()).toEqual(ALLOWED);
});
