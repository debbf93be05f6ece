import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path}`),
];

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** The anchors that GitHub makes of the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  const named = [...read(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  const count = new Map<string, number>();
  const anchors = headings.map((heading) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const before = count.get(anchor) ?? 0;
    count.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
  return new Set([...anchors, ...named]);
}

/** The links of a page to other places in the repository that are not there. */
function brokenLinks(page: string): string[] {
  const prose = read(page).replaceAll(/^```[^]*?^```$/gm, '');
  const links = [...prose.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path));
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor);
  });
}

it.each(PAGES)('each link leads somewhere: %s', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});

it('another page leads to each page', () => {
  const all = PAGES.map(read).join('\n');
  const pages = PAGES.filter((page) => page.startsWith('docs/'));
  expect(pages.filter((page) => !all.includes(basename(page)))).toEqual([]);
});

/** The source files that a page names: `folder/file.ts`. */
function sourcesIn(page: string): string[] {
  return [...read(page).matchAll(/`((?:[a-z-]+\/)+[a-z-]+\.c?ts)`/g)].map(([, path = '']) => path);
}

it.each(PAGES)('each source file that it names is there: %s', (page) => {
  const isMissing = (path: string): boolean => !['', 'src'].some((folder) => existsSync(join(ROOT, folder, path)));
  expect(sourcesIn(page).filter(isMissing)).toEqual([]);
});

it('the changelog says nothing twice, as after a merge that kept both sides', () => {
  const begins = [...read('CHANGELOG.md').matchAll(/^- (.{40})/gm)].map(([, begin = '']) => begin);
  expect(begins.filter((begin, index) => begins.indexOf(begin) !== index)).toEqual([]);
});
