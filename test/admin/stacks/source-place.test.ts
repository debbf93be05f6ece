import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Profile } from '../../../src/admin/stacks/place.ts';
import { inSources } from '../../../src/admin/stacks/source-place.ts';
import { testFolder } from '../../support/folder.ts';

/** A file with a map that says where its lines come from (`mappings`: VLQ, https://tc39.es/ecma426/). */
function built(code: string, mappings: string, sources = ['report.ts']) {
  const folder = testFolder();
  const map = Buffer.from(JSON.stringify({ version: 3, sources, names: [], mappings })).toString('base64');
  const file = join(folder, 'report.js');
  writeFileSync(file, `${code}\n//# sourceMappingURL=data:application/json;base64,${map}\n`);
  const source = (name: string) => pathToFileURL(join(folder, name)).href;
  return { url: pathToFileURL(file).href, source };
}

function profileOf(url: string, lineNumber: number, columnNumber: number, lines: number[]): Profile {
  const callFrame = { functionName: 'slowReport', url, lineNumber, columnNumber };
  return { nodes: [{ id: 1, callFrame, positionTicks: lines.map((line) => ({ line, ticks: 1 })) }] };
}

describe('a profile in sources', () => {
  it('has the places of the source where a map knows them', () => {
    // Line 1 comes from line 11, line 2 from line 12.
    const { source, url } = built('function slowReport() {\n}', 'AAUA;AACA');
    expect(inSources(profileOf(url, 0, 19, [1, 2])).nodes[0]).toMatchObject({
      callFrame: { functionName: 'slowReport', url: source('report.ts'), lineNumber: 10 },
      positionTicks: [{ line: 11 }, { line: 12 }],
    });
  });

  it('has the line where the function begins, if all of the code is in one line', () => {
    // Column 0 comes from line 1, column 20 from line 31 of another file.
    const code = 'function other() {};function slowReport() {}';
    const { source, url } = built(code, 'AAAA,oBC8BA', ['other.ts', 'report.ts']);
    expect(inSources(profileOf(url, 0, 39, [1])).nodes[0]).toMatchObject({
      callFrame: { url: source('report.ts'), lineNumber: 30 },
      positionTicks: [{ line: 31 }],
    });
  });

  it('stays as it is where there is no map', () => {
    for (const url of ['file:///nowhere/report.js', 'node:fs', '']) {
      const profile = profileOf(url, 3, 0, [5]);
      expect(inSources(profile)).toEqual(profile);
    }
  });
});
