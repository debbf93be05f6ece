/** Finds where a module, or one that it imports, cannot be parsed: Node keeps that to itself until it prints it. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { inspect } from 'node:util';
import { stackOfModule } from '../options/module-file.ts';

/** A Node is started for each file, which takes some 40 ms. */
const MOST_FILES = 50;
const CHECK_TIMEOUT_MS = 5_000;

const TYPESCRIPT = /\.[cm]?ts$/;
const NO_EXPORT = /^The requested module '([^']+)' does not provide an export named '([^']+)'/;
const IMPORTS = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])(\.{1,2}\/[^'"]+)\1/g;

/** What `cause` says, and where: V8 names the place in the stack, but for text that it cannot parse. `path`: of the module that threw it. */
export function whatAndWhere(cause: unknown, path: string): string {
  if (!(cause instanceof Error)) return inspect(cause);
  const text = `${cause.name}: ${cause.message}`;
  const place =
    locationIn(stackOfModule(cause.stack ?? '')) ??
    (cause instanceof SyntaxError ? syntaxErrorLocation(path, cause.message) : undefined);
  return place === undefined || text.includes(place) ? text : `${text} (at ${place})`;
}

/** Finds the first place, as `/path/of/file.js:12`, that is not inside Node. */
export function locationIn(text: string): string | undefined {
  return /(?:\(|at |^)(?:file:\/\/)?(\/[^\s():]+:\d+)/m.exec(text)?.[1];
}

/**
 * Finds the place in the file at `path`, or else in those that it imports by their paths, of the mistake that `message` tells of.
 * Nothing in them is run.
 */
export function syntaxErrorLocation(path: string, message: string): string | undefined {
  const [, specifier, name] = NO_EXPORT.exec(message) ?? [];
  const files = new Set(existsSync(path) ? [path] : []);
  for (const file of files) {
    const place = specifier === undefined || name === undefined ? check(file) : importIn(file, specifier, name);
    if (place !== undefined) return place;
    for (const imported of importsOf(file)) if (files.size < MOST_FILES) files.add(imported);
  }
  return undefined;
}

/** Asks a Node that only checks; of TypeScript it would complain, and of its mistakes the place is known. */
function check(file: string): string | undefined {
  if (TYPESCRIPT.test(file)) return undefined;
  const { spawnSync } = process.getBuiltinModule('node:child_process'); // Which a thread seldom needs.
  const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8', timeout: CHECK_TIMEOUT_MS });
  return locationIn(stderr);
}

/** Finds where the file imports `name` from a module that has no such export. */
function importIn(file: string, specifier: string, name: string): string | undefined {
  const lines = readFileSync(file, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes(`'${specifier}'`) || text.includes(`"${specifier}"`));
  return line < 0 || !lines.some((text) => text.includes(name)) ? undefined : `${file}:${line + 1}`;
}

function importsOf(file: string): string[] {
  const specifiers = [...readFileSync(file, 'utf8').matchAll(IMPORTS)].map(([, , specifier = '']) => specifier);
  return specifiers.map((specifier) => resolve(dirname(file), specifier)).filter(isModule);
}

function isModule(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file) && existsSync(file);
}
