import { describe, expect, it } from 'vitest';
import { heaviestOf } from '../../../src/admin/stacks/heaviest.ts';
import type { CpuProfile, ProfileNode } from '../../../src/admin/stacks/place.ts';

function node(id: number, functionName: string, children: number[] = [], url = 'file:///a.js'): ProfileNode {
  const isNative = functionName.startsWith('(');
  return { id, callFrame: { functionName, url: isNative ? '' : url, lineNumber: isNative ? -1 : id }, children };
}

/** A sample each millisecond. */
function profile(nodes: ProfileNode[], samples: number[]): CpuProfile {
  return { nodes, samples, timeDeltas: samples.map(() => 1000), startTime: 0, endTime: 1000 * (samples.length + 1) };
}

describe('the heaviest functions of a profile', () => {
  it('are those that ran longest themselves, beside what they had called', () => {
    const nodes = [node(1, '(root)', [2, 4]), node(2, 'message', [3]), node(3, 'slow'), node(4, '(garbage collector)')];
    expect(heaviestOf([profile(nodes, [3, 3, 3, 2, 4])], 10)).toEqual({
      lastedMs: 5,
      ranMs: 5,
      functions: [
        { functionName: 'slow', url: 'file:///a.js', line: 4, selfMs: 3, totalMs: 3 },
        { functionName: 'message', url: 'file:///a.js', line: 3, selfMs: 1, totalMs: 4 },
        { functionName: '(garbage collector)', url: '', line: 0, selfMs: 1, totalMs: 1 },
      ],
    });
  });

  it('leave out the time in which the thread had nothing to do', () => {
    const nodes = [node(1, '(root)', [2, 3]), node(2, '(idle)'), node(3, 'f')];
    const { functions, lastedMs, ranMs } = heaviestOf([profile(nodes, [2, 2, 2, 3])], 10);
    expect([lastedMs, ranMs, functions.length]).toEqual([4, 1, 1]);
  });

  it('count a function once however often it has called itself, and wherever it was called from', () => {
    const self = { ...node(3, 'walk'), callFrame: node(2, 'walk').callFrame };
    const nodes = [node(1, '(root)', [2, 5]), node(2, 'walk', [3]), self, node(5, 'other', [6]), { ...self, id: 6 }];
    const { functions } = heaviestOf([profile(nodes, [2, 3, 6])], 10);
    expect(functions).toMatchObject([{ functionName: 'walk', selfMs: 3, totalMs: 3 }]);
  });

  it('have the line where most of their samples were', () => {
    const ticks = [
      { line: 8, ticks: 1 },
      { line: 9, ticks: 5 },
    ];
    const nodes = [node(1, '(root)', [2]), { ...node(2, 'f'), positionTicks: ticks }];
    expect(heaviestOf([profile(nodes, [2])], 10).functions).toMatchObject([{ line: 9 }]);
  });

  it('are added up over several threads, and no more than are wanted', () => {
    const one = profile([node(1, '(root)', [2, 3]), node(2, 'f'), node(3, 'g')], [2, 3, 3]);
    expect(heaviestOf([one, one], 1)).toMatchObject({ ranMs: 6, functions: [{ functionName: 'g', selfMs: 4 }] });
  });
});
