/** Checks that imports go down only, and that the docs show the floors as they are. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { FLOORS, FORBIDDEN, MOST_FILES, SERVICES } from './floor-list.ts';
import { oldWordsIn } from './old-words.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SOURCE = join(ROOT, 'src');

/** The docs that show the floors, each between two marks. */
const PAGES = ['docs/architecture.md', 'CONTRIBUTING.md'];
const MARKS = /(<!-- floors: `npm run floors -- --write` -->\n)[^]*?(<!-- end of floors -->)/;

/** Where old words are looked for. CHANGELOG.md tells of the past. */
const PROSE =
  /^(?:src|test|bench|checks|docs|spec|build|examples)\/.*\.(?:c?ts|mjs|md|pml)$|^(?:README|CONTRIBUTING)\.md$/;
const MAY_SAY_OLD_WORDS = new Set(['checks/old-words.ts']);

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) => /\.c?ts$/.test(name));

function importsOf(name: string): string[] {
  const text = readFileSync(join(SOURCE, name), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const pattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** The file, as a name in `src`, that `specifier` means in `name`. */
function targetOf(name: string, specifier: string): string {
  return relative(SOURCE, resolve(SOURCE, dirname(name), specifier));
}

const roomOf = (name: string): string => name.split('/')[0] ?? '';
const floorOf = (room: string): number => FLOORS.findIndex(({ rooms }) => rooms.includes(room));

function problemOf(name: string, specifier: string): string | undefined {
  const from = roomOf(name);
  if (from === SERVICES)
    return specifier === 'heddle' || specifier.startsWith('node:') || /^\.\/[^/]+$/.test(specifier)
      ? undefined
      : `imports ${specifier}: a service imports only heddle, Node, and files beside it`;
  if (specifier === 'heddle') return 'imports heddle: only a service does';
  if (!specifier.startsWith('.') || specifier.endsWith('.json')) return undefined;
  const to = roomOf(targetOf(name, specifier));
  if (to === from || to === SERVICES) return undefined;
  const edge = `${from} → ${to}`;
  if (floorOf(to) < 0) return `imports ${specifier}, which is outside the floors`;
  const why = FORBIDDEN.get(edge);
  if (why !== undefined) return `imports ${specifier}: ${edge} is forbidden: ${why}`;
  if (floorOf(to) < floorOf(from)) return `imports ${specifier}: ${edge} goes up`;
  return floorOf(to) === floorOf(from) ? `imports ${specifier}: ${edge} is on the same floor` : undefined;
}

function importProblems(name: string): string[] {
  if (roomOf(name) !== SERVICES && floorOf(roomOf(name)) < 0) return [`src/${name} is on no floor`];
  return importsOf(name)
    .map((specifier) => problemOf(name, specifier))
    .filter((problem) => problem !== undefined)
    .map((problem) => `src/${name} ${problem}`);
}

/** Circles of files, types included: each file that can be reached from itself. */
function circleProblems(): string[] {
  const imports = new Map(
    files.map((name) => [
      name,
      importsOf(name)
        .filter((to) => to.startsWith('.'))
        .map((to) => targetOf(name, to)),
    ]),
  );
  const reached = (start: string): boolean => {
    const [seen, left] = [new Set<string>(), [...(imports.get(start) ?? [])]];
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === start) return true;
      if (seen.has(name)) continue;
      seen.add(name);
      left.push(...(imports.get(name) ?? []));
    }
    return false;
  };
  return files.filter(reached).map((name) => `src/${name} is part of a circle of imports`);
}

function crowdProblems(): string[] {
  const counts = new Map<string, number>();
  for (const name of files) counts.set(dirname(name), (counts.get(dirname(name)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > MOST_FILES)
    .map(([folder, count]) => `src/${folder} has ${count} files: make another room`);
}

function wordProblems(): string[] {
  const names = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n');
  return names
    .filter((name) => PROSE.test(name) && !MAY_SAY_OLD_WORDS.has(name))
    .flatMap((name) => oldWordsIn(readFileSync(join(ROOT, name), 'utf8')).map((problem) => `${name}:${problem}`));
}

/** The floors as the docs show them. */
function tableOfFloors(): string {
  const folder = (room: string): string => (room.includes('.') ? `\`${room}\`` : `\`${room}/\``);
  const rows = FLOORS.map(({ does, rooms }, index) => {
    const shown = rooms.filter((room) => !room.endsWith('.d.ts')).map(folder);
    return `| ${FLOORS.length - 1 - index} | ${shown.join(', ')} | ${does} |`;
  });
  return ['', '| floor | rooms | |', '|---|---|---|', ...rows, '', ''].join('\n');
}

function pageProblems(): string[] {
  return PAGES.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const due = text.replace(MARKS, (_all, begin: string, end: string) => `${begin}${tableOfFloors()}${end}`);
    if (due === text && MARKS.test(text)) return [];
    if (!process.argv.includes('--write')) return [`${page} shows other floors; run: npm run floors -- --write`];
    writeFileSync(join(ROOT, page), due);
    return [];
  });
}

const problems = [
  ...files.flatMap(importProblems),
  ...circleProblems(),
  ...crowdProblems(),
  ...wordProblems(),
  ...pageProblems(),
];
for (const problem of problems) console.error(problem);
console.log(`floors: ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
