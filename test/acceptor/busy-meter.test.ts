import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusyMeter } from '../../src/acceptor/busy-meter.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { flakySys } from '../support/flaky-sys.ts';
import { sys } from '../support/loopback.ts';

/** No thread has this number. */
const ESRCH = -3;

/** A row whose CPU clock reads `clock`, one after the other. */
function meterOf(clock: readonly number[]): { ratio: () => number; row: ThreadRow; reads: () => number } {
  const flaky = flakySys(sys, { threadCpuTime: clock });
  const meter = new BusyMeter(flaky.sys);
  const row = ThreadBoard.create(1).row(0);
  row.tid = 1;
  return { row, ratio: () => meter.ratio(row), reads: () => flaky.calls('threadCpuTime').length };
}

describe('BusyMeter', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('tells the share of the time that a thread computed since its last sample', () => {
    const { ratio } = meterOf([1000, 1050, 1050, 1250]);
    const ratios = [0, 200, 200, 200].map((passed) => {
      vi.advanceTimersByTime(passed);
      return ratio();
    });
    expect(ratios).toEqual([0, 0.25, 0, 1]);
  });

  it('keeps a sample for 100 ms', () => {
    const { ratio, reads } = meterOf([0, 50]);
    ratio();
    vi.advanceTimersByTime(99);
    expect([ratio(), reads()]).toEqual([0, 1]);
    vi.advanceTimersByTime(1);
    expect([ratio(), reads()]).toEqual([0.5, 2]);
    expect([ratio(), reads()]).toEqual([0.5, 2]);
  });

  it('starts anew when another thread has got the row', () => {
    const { ratio, row } = meterOf([5000, 5100, 10, 60]);
    ratio();
    vi.advanceTimersByTime(200);
    expect(ratio()).toBe(0.5);
    row.tid = 2;
    vi.advanceTimersByTime(50);
    expect(ratio()).toBe(0);
    vi.advanceTimersByTime(200);
    expect(ratio()).toBe(0.25);
  });

  it('is never below 0, also when the thread is gone', () => {
    const { ratio } = meterOf([500, ESRCH]);
    ratio();
    vi.advanceTimersByTime(200);
    expect(ratio()).toBe(0);
  });
});
