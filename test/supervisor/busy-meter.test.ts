import { describe, expect, it } from 'vitest';
import { BusyMeter } from '../../src/supervisor/busy-meter.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { flakySys } from '../support/flaky-sys.ts';
import { sys } from '../support/loopback.ts';
import { playClock } from '../support/played-clock.ts';

/** No thread has this number. */
const ESRCH = -3;

/** A row whose CPU clock reads `cpuTimes`, one after the other. */
function meterOf(cpuTimes: readonly number[]) {
  const clock = playClock();
  const flaky = flakySys(sys, { threadCpuTime: cpuTimes });
  const meter = new BusyMeter(flaky.sys);
  const row: ThreadRow = ThreadBoard.create(1).row(0);
  row.tid = 1;
  const pass = (ms: number): void => void (clock.now += ms);
  return { pass, row, ratio: () => meter.ratio(row), reads: () => flaky.calls('threadCpuTime').length };
}

describe('BusyMeter', () => {
  it('tells the share of the time that a thread computed since its last sample', () => {
    const { pass, ratio } = meterOf([1000, 1050, 1050, 1250]);
    const ratios = [0, 200, 200, 200].map((passed) => {
      pass(passed);
      return ratio();
    });
    expect(ratios).toEqual([0, 0.25, 0, 1]);
  });

  it('keeps a sample for 100 ms', () => {
    const { pass, ratio, reads } = meterOf([0, 50]);
    ratio();
    pass(99);
    expect([ratio(), reads()]).toEqual([0, 1]);
    pass(1);
    expect([ratio(), reads()]).toEqual([0.5, 2]);
    expect([ratio(), reads()]).toEqual([0.5, 2]);
  });

  it('starts anew when another thread has got the row', () => {
    const { pass, ratio, row } = meterOf([5000, 5100, 10, 60]);
    ratio();
    pass(200);
    expect(ratio()).toBe(0.5);
    row.tid = 2;
    pass(50);
    expect(ratio()).toBe(0);
    pass(200);
    expect(ratio()).toBe(0.25);
  });

  it('is never below 0, also when the thread is gone', () => {
    const { pass, ratio } = meterOf([500, ESRCH]);
    ratio();
    pass(200);
    expect(ratio()).toBe(0);
  });
});
