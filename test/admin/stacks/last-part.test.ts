import { describe, expect, it } from 'vitest';
import { lastPart } from '../../../src/admin/stacks/last-part.ts';
import type { CpuProfile } from '../../../src/admin/stacks/place.ts';

const callFrame = { functionName: 'f', url: '', lineNumber: 0 };
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame, hitCount: 2 },
    { id: 2, callFrame, hitCount: 2 },
  ],
  samples: [1, 1, 2, 2],
  timeDeltas: [500, 1000, 1000, 1000],
  startTime: 10_000,
  endTime: 14_000,
};

describe('the last part of a profile', () => {
  it('has the samples since then, at the same times, and counts them', () => {
    expect(lastPart(PROFILE, 2)).toEqual({
      nodes: [
        { id: 1, callFrame, hitCount: 0 },
        { id: 2, callFrame, hitCount: 2 },
      ],
      samples: [2, 2],
      timeDeltas: [500, 1000],
      startTime: 12_000,
      endTime: 14_000,
    });
  });

  it('is all of one that is no longer', () => {
    expect(lastPart(PROFILE, 4)).toEqual(PROFILE);
    expect(lastPart(PROFILE, 9)).toEqual(PROFILE);
  });

  it('may have no sample', () => {
    expect(lastPart(PROFILE, 0.1)).toMatchObject({ samples: [], timeDeltas: [], startTime: 13_900 });
  });
});
