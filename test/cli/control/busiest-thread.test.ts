import { describe, expect, it } from 'vitest';
import type { SnapshotThread } from '../../../src/admin/control/snapshot.ts';
import { blockedIn, busiestIn } from '../../../src/cli/control/busiest-thread.ts';

function thread(id: number, more: Partial<SnapshotThread> = {}): SnapshotThread {
  return { id, clients: 1, messages: 0, blockedMs: 0, ...more };
}

describe('the thread that is profiled if none is named', () => {
  it('is the one that has been blocked longest, and its client is named', () => {
    const client = { id: 7, address: '10.0.0.1', port: 99 };
    const block = { thread: 2, ms: 6200, moved: 3, client };
    const threads = [thread(1, { blockedMs: 30 }), thread(2, { blockedMs: 6200, block }), thread(3)];
    const why = 'it has been blocked for 6.2 s by client #7 (10.0.0.1:99)';
    expect(blockedIn({ threads })).toEqual({ thread: 2, why });
    expect(blockedIn({ threads: [thread(1)] })).toBeUndefined();
  });

  it('is else the one that uses most of a CPU now, however much it has used before', () => {
    const before = { time: 1000, threads: [thread(1, { cpuMs: 90_000 }), thread(2, { cpuMs: 10 })] };
    const after = { time: 1250, threads: [thread(1, { cpuMs: 90_010 }), thread(2, { cpuMs: 210 }), thread(3)] };
    expect(busiestIn(before, after)).toEqual({ thread: 2, why: 'it is the busiest, with 80 % of a CPU' });
  });

  it('is the one that serves most messages where no clock says what threads use', () => {
    const before = { time: 0, threads: [thread(1, { messages: 900 }), thread(2, { messages: 0 })] };
    const after = { time: 250, threads: [thread(1, { messages: 901 }), thread(2, { messages: 50 })] };
    expect(busiestIn(before, after)).toEqual({ thread: 2, why: 'it is the busiest, with 200 messages/s' });
  });
});
