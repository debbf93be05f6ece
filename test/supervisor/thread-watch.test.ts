import { describe, expect, it } from 'vitest';
import { ThreadWatch } from '../../src/supervisor/thread-watch.ts';
import { BLOCKED_NICE, BLOCKED_SLICE_NS, SERVING_SLICE_NS } from '../../src/sharing/scheduling.ts';
import { PARKED, RUNNING, ThreadBoard, type ThreadState } from '../../src/sharing/thread-board.ts';
import { EINVAL, EPERM } from '../../src/sys/errno.ts';
import { flakySys, type Step } from '../support/flaky-sys.ts';
import { sys } from '../support/loopback.ts';
import { playClock } from '../support/played-clock.ts';

const MOVE_AFTER = 5;
/** No thread has this number, so its state cannot be read. */
const NO_THREAD = 2 ** 22 + 1;

/** A thread that computes for `share` of the time; it is looked at every 2 ms. */
function watched(state: ThreadState, share = 1, tid = NO_THREAD, addNice: readonly Step[] = [0, 0]) {
  const clock = playClock();
  const cpuTimes = function* (): Generator<Step> {
    for (;;) yield clock.now * share;
  };
  const flaky = flakySys(sys, { threadCpuTime: cpuTimes(), setSlice: Array.from({ length: 9 }, () => 0), addNice });
  const row = ThreadBoard.create(1).row(0);
  row.state = state;
  row.tid = tid;
  const watch = new ThreadWatch(flaky.sys, row, MOVE_AFTER);
  const look = (ms: number) => {
    const changes = [];
    for (const end = clock.now + ms; clock.now < end; ) {
      clock.now += 2;
      changes.push(watch.look(clock.now));
    }
    return changes.filter((change) => change !== undefined);
  };
  return { clock, flaky, look, row, watch };
}

describe('ThreadWatch', () => {
  it('says once that a running thread is blocked when its heart stands still for moveAfter', () => {
    const { look, watch } = watched(RUNNING);
    expect(look(4)).toEqual([]);
    expect(watch.isFree).toBe(true);
    expect(look(100)).toEqual(['blocked']);
    expect([watch.isBlocked, watch.isFree]).toEqual([true, false]);
  });

  it('counts the time from when the heart was last seen beating', () => {
    const { clock, look, row, watch } = watched(RUNNING);
    look(4);
    row.beat(7);
    const beat = clock.now + 2;
    look(20);
    expect(watch.blockedSince).toBe(beat);
  });

  it('does not count the time in which the whole process stood still, before it is blocked and after', () => {
    const { clock, look, watch } = watched(RUNNING);
    look(2);
    clock.now += 6000;
    expect(look(2)).toEqual([]);
    expect(look(20)).toEqual(['blocked']);
    expect(clock.now - watch.blockedSince).toBeLessThan(30);
    clock.now += 6000;
    look(2);
    expect(clock.now - watch.blockedSince).toBeLessThan(40);
    look(1000);
    expect(clock.now - watch.blockedSince).toBeGreaterThan(1000);
  });

  it('does not take a thread for held whose heart beats, however long its turn is', () => {
    const { look, row } = watched(RUNNING);
    for (let message = 0; message < 50; message++) {
      row.beat(message);
      expect(look(4)).toEqual([]);
    }
  });

  it('says that a thread is released when its heart beats again, and forgets what was known of the stall', () => {
    const { clock, look, row, watch } = watched(RUNNING);
    look(20);
    Object.assign(watch, { reported: true, clearedAt: clock.now });
    row.beat(-1);
    expect(look(2)).toEqual(['released']);
    const { blockedSince, reported, clearedAt, isFree } = watch;
    expect({ blockedSince, reported, clearedAt, isFree }).toEqual({
      blockedSince: 0,
      reported: false,
      clearedAt: 0,
      isFree: true,
    });
    expect(clock.now - watch.lastBlocked).toBeLessThanOrEqual(4);
  });

  it('can be held again', () => {
    const { look, row } = watched(RUNNING);
    look(20);
    row.beat(-1);
    expect(look(40)).toEqual(['released', 'blocked']);
  });

  it('says that a thread is released when it parks: it may have been late between its last beat and that', () => {
    const { look, row, watch } = watched(RUNNING);
    expect(look(20)).toEqual(['blocked']);
    row.state = PARKED;
    expect(look(2)).toEqual(['released']);
    expect([watch.isFree, look(1000)]).toEqual([true, []]);
  });

  it('takes a parked thread that was woken for blocked until it beats', () => {
    const { clock, look, watch } = watched(PARKED);
    watch.wake(clock.now);
    expect(look(1000)).toEqual(['blocked']);
    expect(watch.isFree).toBe(false);
  });

  it('expects nothing of a parked thread', () => {
    const { look, watch } = watched(PARKED);
    expect(watch.isAwake).toBe(false);
    expect(look(1000)).toEqual([]);
  });

  it('rings a parked thread, which then owes a heartbeat', () => {
    const { clock, look, row, watch } = watched(PARKED);
    look(100);
    watch.wake(clock.now);
    expect([row.waker.count, watch.isAwake]).toEqual([1, true]);
    expect(look(50)).toEqual(['blocked']);
    row.beat(-1);
    expect(look(50)).toEqual(['released']);
    expect(watch.isAwake).toBe(false);
  });

  it('does not take the time that a thread was parked for time that it was blocked', () => {
    const { look, row } = watched(PARKED);
    look(1000);
    row.state = RUNNING;
    expect(look(4)).toEqual([]);
  });

  it('takes a thread that sleeps in a system call for held, though it does not compute', () => {
    // This test's own main thread would be found running: a number without a thread has no state R either.
    expect(watched(RUNNING, 0).look(100)).toEqual(['blocked']);
  });

  it('does not blame a thread that is ready to run but gets hardly any CPU, and says so once', () => {
    // The thread that runs this test is in state R when it reads its own.
    expect(watched(RUNNING, 0.005, process.pid).look(100)).toEqual(['starved']);
    expect(watched(RUNNING, 0.5, process.pid).look(100)).toEqual(['blocked']);
  });

  it('gives a blocked thread a long time slice and a serving one its short one', () => {
    const { flaky, look, row } = watched(RUNNING);
    look(20);
    row.beat(-1);
    look(2);
    expect(flaky.calls('setSlice')).toEqual([
      [NO_THREAD, BLOCKED_SLICE_NS],
      [NO_THREAD, SERVING_SLICE_NS],
    ]);
  });
});

describe('the share of the CPU', () => {
  it('is made smaller once, however often that is asked for', () => {
    const { flaky, look, row, watch } = watched(RUNNING);
    for (let messages = 0; messages < 3; messages++) {
      look(100);
      watch.lower();
      row.beat(-1);
      look(2);
    }
    expect(flaky.calls('addNice')).toEqual([[NO_THREAD, BLOCKED_NICE]]);
    expect(watch.isLowered).toBe(true);
  });

  it('is given back where that is allowed, and can be made smaller again', () => {
    const { flaky, look, row, watch } = watched(RUNNING, 1, NO_THREAD, [0, 0, 0]);
    look(100);
    watch.lower();
    expect(watch.raise()).toBe(true);
    expect([watch.isLowered, watch.isDemoted]).toEqual([false, false]);
    row.beat(-1);
    look(100);
    watch.lower();
    expect(flaky.calls('addNice').map(([, amount]) => amount)).toEqual([BLOCKED_NICE, -BLOCKED_NICE, BLOCKED_NICE]);
  });

  it('stays small where giving it back is not allowed: the thread is worn', () => {
    const { look, watch } = watched(RUNNING, 1, NO_THREAD, [0, EPERM]);
    look(100);
    watch.lower();
    expect(watch.raise()).toBe(false);
    expect([watch.isLowered, watch.isDemoted]).toEqual([true, true]);
  });

  it('is left alone where it cannot be changed', () => {
    const { look, watch } = watched(
      RUNNING,
      1,
      NO_THREAD,
      Array.from({ length: 99 }, () => EINVAL),
    );
    look(100);
    expect([watch.isLowered, watch.isDemoted]).toEqual([false, false]);
  });
});
