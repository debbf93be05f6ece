import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Place, placeOf, type Profile, type ProfileNode } from '../../../src/admin/stacks/place.ts';
import { codeOf } from '../../../src/admin/stacks/source-place.ts';
import { testFolder } from '../../support/folder.ts';

const SERVICE = 'file:///app/report.js';
const isOwn = (url: string): boolean => url.startsWith('file:');

function node(
  id: number,
  functionName: string,
  url: string,
  children: number[] = [],
  lines: [number, number][] = [],
): ProfileNode {
  const positionTicks = lines.map(([line, ticks]) => ({ line, ticks }));
  return { id, callFrame: { functionName, url, lineNumber: 9 }, children, positionTicks };
}

function profile(samples: number[], ...nodes: ProfileNode[]): Profile {
  return { nodes: [node(1, '(root)', '', [2]), node(2, 'onMessage', 'node:events', [3]), ...nodes], samples };
}

describe('the place in a profile', () => {
  it('is the function of the service that ran most, at its hottest line', () => {
    const slow = node(
      3,
      'slowReport',
      SERVICE,
      [],
      [
        [41, 9],
        [40, 1],
      ],
    );
    expect(placeOf(profile([3, 3, 3, 3], slow), isOwn)).toEqual({
      functionName: 'slowReport',
      url: SERVICE,
      line: 41,
      share: 1,
      stack: [{ functionName: 'slowReport', url: SERVICE, line: 41 }],
    });
  });

  it('has what called it, out to the function of the service that Heddle has called', () => {
    const { stack } = placeOf(
      profile([5, 5], node(3, 'message', SERVICE, [4]), node(4, 'load', SERVICE, [5], [[12, 1]]), node(5, 'parse', '')),
      isOwn,
    ) as Place;
    expect(codeOf({ functionName: 'load', url: SERVICE, line: 12, share: 1, stack }).stack).toEqual([
      'parse',
      'load report.js:12',
      'message report.js:10',
    ]);
  });

  it('says what the function had called, where the time went into that', () => {
    const load = node(3, 'load', SERVICE, [4], [[12, 1]]);
    expect(placeOf(profile([4, 3, 4, 4], load, node(4, 'parse', '')), isOwn)).toMatchObject({
      functionName: 'load',
      line: 10,
      callee: 'parse',
    });
  });

  it('is that of the last samples: of a loop that was compiled while it ran, the first ones know the caller only', () => {
    const caller = node(3, 'message', SERVICE, [4], [[5, 3]]);
    const loop = node(4, 'crunch', SERVICE, [], [[7, 3]]);
    expect(placeOf(profile([3, 3, 3, 4, 4, 4], caller, loop), isOwn)).toMatchObject({
      functionName: 'crunch',
      line: 7,
    });
  });

  it('is the function that was called, even if most samples know the caller only', () => {
    const caller = node(3, 'message', SERVICE, [4], [[5, 6]]);
    const loop = node(4, 'crunch', SERVICE, [], [[7, 1]]);
    expect(placeOf(profile([3, 3, 3, 3, 3, 4], caller, loop), isOwn)).toMatchObject({
      functionName: 'crunch',
      line: 7,
    });
    expect(placeOf(profile([3, 3, 3, 3, 3, 3], caller, loop), isOwn)).toMatchObject({ functionName: 'message' });
  });

  it('is nowhere if the service did not run', () => {
    expect(placeOf(profile([2, 2]), isOwn)).toBeUndefined();
    expect(placeOf(profile([]), isOwn)).toBeUndefined();
  });

  it('does not count time in which the thread did not run', () => {
    const slow = node(3, '', SERVICE, [], [[41, 9]]);
    const idle = node(4, '(idle)', '');
    expect(placeOf(profile([4, 4, 4, 3], slow, idle), isOwn)).toMatchObject({ functionName: '(anonymous)', share: 1 });
  });
});

describe('the text of a place', () => {
  const place = { functionName: 'slowReport', url: SERVICE, line: 41, share: 1, stack: [] };

  it('has function, file and line', () => {
    expect(codeOf(place).code).toBe('slowReport report.js:41');
    expect(codeOf({ ...place, callee: 'parse' }).code).toBe('parse ← slowReport report.js:41');
  });

  // Line 2 of the built file is line 7 of report.ts.
  const map = JSON.stringify({ version: 3, sources: ['report.ts'], names: [], mappings: ';AAMA' });
  it.each([
    ['beside the file', 'built.js.map', map],
    ['in the file', `data:application/json;base64,${Buffer.from(map).toString('base64')}`, undefined],
  ])('is of the source, by a map %s', (_where, link, beside) => {
    const folder = testFolder();
    writeFileSync(join(folder, 'built.js'), `a\nb\n//# sourceMappingURL=${link}\n`);
    if (beside !== undefined) writeFileSync(join(folder, link), beside);
    const url = pathToFileURL(join(folder, 'built.js')).href;
    expect(codeOf({ ...place, url, line: 2 }).code).toBe('slowReport report.ts:7');
    expect(codeOf({ ...place, url, line: 9 }).code).toBe('slowReport built.js:9');
  });
});
