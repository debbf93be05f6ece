import { describe, expect, it, vi } from 'vitest';
import { ThreadRegistry, type ThreadRegistrySettings } from '../../src/supervisor/thread-registry.ts';
import { PARKED, ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { sys } from '../support/loopback.ts';
import { playClock } from '../support/played-clock.ts';

const DEFAULTS: ThreadRegistrySettings = { min: 2, max: 6, clientsPerThread: Infinity, moveAfter: 5 };

/** A registry of `count` parked threads. */
function registry(count: number, settings: Partial<ThreadRegistrySettings> = {}) {
  const clock = playClock();
  const rows = ThreadBoard.create(8).rows;
  const its = new ThreadRegistry(sys, { ...DEFAULTS, ...settings });
  const add = (thread: number): ThreadRow => {
    const row = rows[thread] as ThreadRow;
    row.state = PARKED;
    its.add(row);
    return row;
  };
  for (let thread = 0; thread < count; thread++) add(thread);
  const hold = (thread: number): void => {
    Object.assign(its.find(rows[thread] as ThreadRow) ?? {}, { blockedSince: clock.now, lastBlocked: clock.now });
    its.changed();
  };
  const release = (thread: number): void => {
    Object.assign(its.find(rows[thread] as ThreadRow) ?? {}, { blockedSince: 0 });
    its.changed();
  };
  return { add, clock, hold, its, release, rows };
}

const numbers = (rows: readonly ThreadRow[]): number[] => rows.map((row) => row.thread);

describe('threads that were blocked for long', () => {
  const lowered = { isLowered: true, isDemoted: false };

  it('get their share of the CPU back when they were not blocked for a while', () => {
    const { clock, its, rows } = registry(3);
    const raise = vi.fn<() => boolean>(() => true);
    Object.assign(its.find(rows[0] as ThreadRow) ?? {}, { ...lowered, lastBlocked: clock.now, raise });
    expect(its.raise(clock.now + 9_000)).toEqual([]);
    expect(raise).not.toHaveBeenCalled();
    expect(its.raise(clock.now + 11_000)).toEqual([]);
    expect(raise).toHaveBeenCalledTimes(1);
  });

  it('get it back soon while fewer threads than usual have theirs, and no more of them than that', () => {
    const { clock, its, rows } = registry(4, { min: 3 });
    for (const row of rows.slice(1, 4)) {
      const watch = its.find(row);
      const raise = (): boolean => Object.assign(watch ?? {}, { isLowered: false }) !== undefined;
      Object.assign(watch ?? {}, { ...lowered, lastBlocked: clock.now, raise });
    }
    const count = (): number => its.watches.filter(({ isLowered }) => !isLowered).length;
    its.raise(clock.now + 400);
    expect(count()).toBe(1);
    its.raise(clock.now + 600);
    expect(count()).toBe(3);
  });

  it('do not get it back sooner where a thread was refused: it would have to be replaced', () => {
    const { clock, its, rows } = registry(2);
    const raise = vi.fn<() => boolean>(() => false);
    for (const row of rows.slice(0, 2))
      Object.assign(its.find(row) ?? {}, { ...lowered, lastBlocked: clock.now, raise });
    Object.assign(its.find(rows[1] as ThreadRow) ?? {}, { lastBlocked: clock.now + 500 });
    expect(its.raise(clock.now + 600).length).toBe(1);
    Object.assign(its.find(rows[0] as ThreadRow) ?? {}, { isDemoted: true });
    expect(its.raise(clock.now + 1_200).length).toBe(0);
    expect(its.raise(clock.now + 10_600).length).toBe(1);
  });

  it('are named for being replaced where that is not allowed', () => {
    const { clock, its, rows } = registry(2);
    const watch = its.find(rows[0] as ThreadRow);
    Object.assign(watch ?? {}, { ...lowered, lastBlocked: clock.now, raise: () => false });
    expect(its.raise(clock.now + 11_000)).toEqual([watch]);
  });
});

describe('who takes clients', () => {
  it('is every thread that is neither held nor retiring', () => {
    const { hold, its, rows } = registry(4);
    hold(1);
    (its.find(rows[2] as ThreadRow) as { retiring: boolean }).retiring = true;
    its.changed();
    expect(numbers(its.accepting)).toEqual([0, 3]);
  });

  it('is not a thread that was blocked a moment ago, while there are others', () => {
    const { clock, hold, its, release } = registry(3);
    hold(0);
    release(0);
    expect(numbers(its.accepting)).toEqual([1, 2]);
    clock.now += 9_000;
    its.changed();
    expect(numbers(its.accepting)).toEqual([1, 2]);
    clock.now += 1_500;
    its.changed();
    expect(numbers(its.accepting)).toEqual([0, 1, 2]);
  });

  it('is soon a thread again that was blocked, when fewer than usual would be left', () => {
    const { clock, hold, its, release } = registry(2);
    hold(0);
    release(0);
    expect(numbers(its.accepting)).toEqual([1]);
    clock.now += 600;
    its.changed();
    expect(numbers(its.accepting)).toEqual([0, 1]);
  });

  it('is a thread that was blocked when there is no other', () => {
    const { hold, its, release } = registry(2);
    hold(0);
    hold(1);
    expect([numbers(its.accepting), its.hasRoom]).toEqual([[], false]);
    release(1);
    expect([numbers(its.accepting), its.hasRoom]).toEqual([[1], true]);
  });

  it('is no thread that has as many clients as it may have', () => {
    const { its, rows } = registry(2, { clientsPerThread: 1 });
    rows[0]?.addClients(1);
    expect(numbers(its.accepting)).toEqual([1]);
    rows[1]?.addClients(1);
    expect(its.hasRoom).toBe(false);
  });
});

describe('whose clients are evened out', () => {
  it('are those of calm threads; those of a thread that was blocked have better ones', () => {
    const { hold, its, release } = registry(4);
    hold(0);
    hold(1);
    release(1);
    expect([numbers(its.even), numbers(its.recentlyBlocked)]).toEqual([[2, 3], [1]]);
  });

  it('are nobody’s when all threads were blocked', () => {
    const { hold, its, release } = registry(2);
    for (const thread of [0, 1]) {
      hold(thread);
      release(thread);
    }
    expect([numbers(its.even), numbers(its.recentlyBlocked)]).toEqual([[], []]);
  });
});

describe('how many threads there should be', () => {
  it('is the usual number while none is held', () => {
    const { clock, its } = registry(2);
    expect(its.shortage(clock.now)).toBeUndefined();
  });

  it('is the usual number when one is missing', () => {
    const { clock, its } = registry(1);
    clock.now += 5_000;
    expect(its.shortage(clock.now)).toBe(2);
  });

  it('is one more for each that is blocked, asked for once', () => {
    const { clock, hold, its } = registry(2);
    hold(0);
    expect(its.shortage(clock.now)).toBe(3);
    expect(its.shortage(clock.now + 10)).toBeUndefined();
  });

  it('is asked for again when the thread does not come', () => {
    const { clock, hold, its } = registry(2);
    hold(0);
    its.shortage(clock.now);
    clock.now += 5_000;
    hold(0);
    expect(its.shortage(clock.now)).toBe(3);
  });

  it('is one more while no thread is free, so that it starts alone, and up to the most', () => {
    const { add, clock, hold, its } = registry(2);
    hold(0);
    hold(1);
    expect(its.shortage(clock.now)).toBe(3);
    add(2);
    expect(its.shortage(clock.now)).toBe(4);
    for (const thread of [3, 4, 5]) add(thread);
    for (const thread of [2, 3, 4, 5]) hold(thread);
    expect(its.shortage(clock.now)).toBeUndefined();
  });

  it('is one more while clients wait for one', () => {
    const { clock, hold, its } = registry(2, { hasRoom: true });
    hold(0);
    expect(its.forTurn(clock.now)).toBeUndefined();
    expect(its.shortage(clock.now)).toBe(3);
  });

  it('falls back after a quiet while: the thread with the fewest clients is not needed', () => {
    const { clock, its, rows } = registry(3);
    rows[0]?.addClients(5);
    rows[1]?.addClients(1);
    rows[2]?.addClients(4);
    clock.now += 1;
    its.shortage(clock.now);
    clock.now += 20_000;
    expect(its.surplus(clock.now)?.row.thread).toBe(1);
  });

  it('does not fall back too soon, nor below the usual number', () => {
    const { clock, hold, its, release, rows } = registry(3);
    hold(0);
    its.shortage(clock.now);
    release(0);
    expect(its.surplus(clock.now + 9_000)).toBeUndefined();
    expect(its.surplus(clock.now + 11_000)).toBeDefined();
    its.remove(rows[2] as ThreadRow);
    expect(its.surplus(clock.now + 11_000)).toBeUndefined();
  });

  it('does not fall back as soon as there is a registry, however long its process has run', () => {
    const { clock, its } = registry(3);
    expect(its.surplus(clock.now + 4_000)).toBeUndefined();
    expect(its.surplus(clock.now + 6_000)).toBeDefined();
  });

  it('does not fall back while the others could not take the clients', () => {
    const { clock, its, rows } = registry(3, { clientsPerThread: 1 });
    for (const row of rows.slice(0, 3)) row.addClients(1);
    expect(its.surplus(clock.now + 20_000)).toBeUndefined();
    rows[0]?.addClients(-1);
    // One free thread is always ready.
    expect(its.surplus(clock.now + 20_000)).toBeUndefined();
    rows[1]?.addClients(-1);
    expect(its.surplus(clock.now + 20_000)?.row.thread).toBe(0);
  });
});

describe('a thread that is gone', () => {
  it('is forgotten, and what was known of it is given back', () => {
    const { hold, its, rows } = registry(2);
    hold(0);
    expect(its.remove(rows[0] as ThreadRow)?.isBlocked).toBe(true);
    expect([its.find(rows[0] as ThreadRow), its.watches.length]).toEqual([undefined, 1]);
    expect(its.remove(rows[0] as ThreadRow)).toBeUndefined();
  });
});

describe('a thread that comes', () => {
  it('has the clients of blocked threads looked at again at once', () => {
    const { add, clock, hold, its, rows } = registry(1);
    hold(0);
    const watch = its.find(rows[0] as ThreadRow) as { clearedAt: number };
    watch.clearedAt = clock.now;
    add(1);
    expect(watch.clearedAt).toBe(0);
  });
});

describe('what threads are for, where there is a waiting room', () => {
  const ROOM = { hasRoom: true, max: 8 };

  it('one is kept for light clients, and stays the same while it is free', () => {
    const { hold, its, rows } = registry(4, ROOM);
    rows[2]?.addClients(5);
    expect(its.light?.row.thread).toBe(2);
    rows[1]?.addClients(9);
    its.changed();
    expect([its.light?.row.thread, numbers(its.spare.map(({ row }) => row))]).toEqual([2, [0, 1, 3]]);
    hold(2);
    expect(its.light?.row.thread).toBe(1);
  });

  it('light clients share as many as usual; the others are in reserve', () => {
    const { hold, its, rows } = registry(4, ROOM);
    for (const thread of [1, 3]) rows[thread]?.addClients(2);
    its.changed();
    expect([numbers(its.accepting), numbers(its.even), numbers(its.recentlyBlocked)]).toEqual([
      [1, 3],
      [1, 3],
      [0, 2],
    ]);
    hold(1);
    expect(numbers(its.accepting)).toHaveLength(2);
  });

  it('one more than usual is asked for when there have been clients for a moment', () => {
    const { clock, its, rows } = registry(2, ROOM);
    expect(its.shortage(clock.now)).toBeUndefined();
    rows[0]?.addClients(1);
    expect(its.shortage(clock.now)).toBeUndefined();
    clock.now += 100;
    expect(its.shortage(clock.now)).toBe(3);
  });

  it('light clients keep to one thread while newcomers block threads and few are free', () => {
    const { clock, hold, its } = registry(4, ROOM);
    hold(0);
    hold(1);
    its.surprise(clock.now);
    its.changed();
    expect(numbers(its.accepting)).toEqual([its.light?.row.thread]);
    clock.now += 1_001;
    expect(its.isCareful(clock.now)).toBe(false);
  });

  it('a turn gets a thread with a smaller share of the CPU, if there is one, else the one with fewest clients', () => {
    const { clock, its, rows } = registry(4, ROOM);
    rows[0]?.addClients(9);
    rows[1]?.addClients(1);
    Object.assign(its.find(rows[1] as ThreadRow) ?? {}, { isLowered: true });
    expect(its.forTurn(clock.now)?.row.thread).toBe(1);
    Object.assign(its.find(rows[1] as ThreadRow) ?? {}, { isLowered: false });
    its.changed();
    expect(rows[its.forTurn(clock.now)?.row.thread ?? 0]?.clients).toBe(0);
  });

  it('a turn gets the light thread only if no other will come, and nobody needs it or it is the last', () => {
    const { clock, hold, its, rows } = registry(2, { hasRoom: true, max: 2 });
    hold(0);
    expect(its.forTurn(clock.now)?.row.thread).toBe(1);
    rows[1]?.addClients(1);
    its.changed();
    expect(its.forTurn(clock.now)).toBeUndefined();
    const alone = registry(1, { hasRoom: true, max: 4 });
    alone.rows[0]?.addClients(3);
    expect(alone.its.forTurn(alone.clock.now)).toBeUndefined();
    alone.clock.now += 600; // The system gives no more threads.
    expect(alone.its.forTurn(alone.clock.now)?.row.thread).toBe(0);
  });

  it('there is none where clients stay on their thread', () => {
    const { its, rows, clock } = registry(0, ROOM);
    const row = rows[0] as ThreadRow;
    row.pins = true;
    its.add(row);
    its.surprise(clock.now);
    expect([its.hasTurns, its.hasWaitingRoom, its.isCareful(clock.now), its.light]).toEqual([
      false,
      false,
      false,
      undefined,
    ]);
  });
});
