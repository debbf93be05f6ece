/** Used to hold the floors of the design: a file imports from floors below its own, and from its own folder. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const SOURCE = resolve(import.meta.dirname, '../src');

/** The folders of each floor, from the lowest; a file of `src` itself goes by its name. */
const FLOORS = [
  ['errors.ts', 'ip-address.ts', 'web-assembly.d.ts'],
  ['sys'],
  ['framing', 'sharing', 'options', 'log'],
  ['reactor'],
  ['connection'],
  ['acceptor', 'thread', 'client', 'admin'],
  ['server'],
  ['index.ts', 'cli'],
];

/** What may be imported from a neighbour on the same floor, and why. */
const NEIGHBOURS = new Set([
  'options → framing', // An option's text is read by the framing that it names.
  'options → log', // `onEvent` takes what the log prints.
  'log → sharing', // A close reason is a counter, and a word in the log.
]);

/** What is forbidden although the floors would allow it. */
const FORBIDDEN = new Set(['framing → sys', 'client → server', 'server → client']);

/** A service is written as its users write theirs. */
const SERVICES = 'services';

function filesUnder(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

function roomOf(file: string): string {
  return relative(SOURCE, file).split('/')[0] ?? '';
}

function problemOf(from: string, specifier: string, file: string): string | undefined {
  if (from === SERVICES)
    return specifier === 'heddle' || specifier.startsWith('node:') || /^\.\/[^/]+$/.test(specifier)
      ? undefined
      : `imports ${specifier}: a service imports only heddle, Node, and files beside it`;
  if (specifier === 'heddle') return 'imports heddle: only a service does';
  if (!specifier.startsWith('.') || specifier.endsWith('.json')) return undefined;
  const to = roomOf(resolve(dirname(file), specifier));
  if (to === from || to === SERVICES) return undefined;
  const edge = `${from} → ${to}`;
  const [fromFloor, toFloor] = [from, to].map((room) => FLOORS.findIndex((floor) => floor.includes(room)));
  if (fromFloor === undefined || toFloor === undefined || toFloor < 0)
    return `imports ${specifier}, which is outside the floors`;
  if (FORBIDDEN.has(edge)) return `imports ${specifier}: ${edge} is forbidden`;
  if (toFloor > fromFloor) return `imports ${specifier}: ${edge} goes up`;
  if (toFloor === fromFloor && !NEIGHBOURS.has(edge)) return `imports ${specifier}: ${edge} is on the same floor`;
  return undefined;
}

function problemsOf(file: string): string[] {
  const from = roomOf(file);
  const known = from === SERVICES || FLOORS.some((floor) => floor.includes(from));
  const problems = known ? importsOf(file).map((specifier) => problemOf(from, specifier, file)) : ['is on no floor'];
  return problems
    .filter((problem) => problem !== undefined)
    .map((problem) => `src/${relative(SOURCE, file)} ${problem}`);
}

const problems = filesUnder(SOURCE).flatMap(problemsOf);
for (const problem of problems) console.error(problem);
console.log(`floors: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
