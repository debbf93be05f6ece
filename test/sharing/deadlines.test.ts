import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elapsed, sharedTime } from '../../src/sharing/clock.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { Deadlines, type Timeouts } from '../../src/sharing/deadlines.ts';
import { runWorker } from '../support/test-worker.ts';

const TIMEOUTS: Timeouts = { idleTimeout: 1000, messageTimeout: 300, sendTimeout: 200 };
const FD = 5;

/** A client that was heard of at `seen`, with a message begun and output stuck since then (0: not). */
function client(seen: number, begun = 0, stuck = 0, timeouts = TIMEOUTS) {
  const table = ConnectionTable.create(8);
  table.setLastActivity(FD, seen);
  table.setMessageStartedAt(FD, begun);
  table.setWriteStalledAt(FD, stuck);
  return new Deadlines(table, timeouts);
}

describe('Deadlines', () => {
  it('are passed when the time is up, not before, wherever the clock stands', () => {
    fc.assert(
      fc.property(fc.integer(), (start) => {
        fc.pre(start !== 0); // There is no such moment.
        const later = (ms: number): number => (start + ms) | 0;
        expect(client(start).expired(FD, later(999))).toBeUndefined();
        expect(client(start).expired(FD, later(1000))).toBe('idle-timeout');
        expect(client(start, start).expired(FD, later(299))).toBeUndefined();
        expect(client(start, start).expired(FD, later(300))).toBe('message-timeout');
        expect(client(start, 0, start).expired(FD, later(199))).toBeUndefined();
        expect(client(start, 0, start).expired(FD, later(200))).toBe('send-timeout');
      }),
    );
  });

  it('have no idle time for a client that waits for the server, however long', () => {
    expect(client(0).expired(FD, 2 ** 31 - 1)).toBeUndefined();
    expect(client(0, 0, 1000).expired(FD, 1200)).toBe('send-timeout');
  });

  it('have the kernel asked for progress of a client that does not read: often at first, then less and less', () => {
    const deadlines = client(0, 0, 1000);
    const asked = Array.from({ length: 20 }, (_, periods) => periods).filter((periods) =>
      deadlines.asksForProgress(FD, 1000 + periods * deadlines.period),
    );
    expect(asked).toEqual([0, 1, 2, 4, 8, 16]);
    expect(client(1000).asksForProgress(FD, 1000)).toBe(false);
    expect(client(0, 0, 1000, { ...TIMEOUTS, sendTimeout: Infinity }).asksForProgress(FD, 1000)).toBe(false);
  });

  it('are none with Infinity', () => {
    const never = { idleTimeout: Infinity, messageTimeout: Infinity, sendTimeout: Infinity };
    const deadlines = client(1, 1, 1, never);
    expect(deadlines.expired(FD, 2 ** 31 - 1)).toBeUndefined();
    expect(deadlines.period).toBe(Infinity);
  });

  it('are looked at ten times within the shortest, neither all the time nor too seldom', () => {
    expect(client(1).period).toBe(20);
    expect(client(1, 0, 0, { ...TIMEOUTS, messageTimeout: 3000, sendTimeout: 2000 }).period).toBe(100);
    expect(client(1, 0, 0, { idleTimeout: 1e6, messageTimeout: 1e6, sendTimeout: Infinity }).period).toBe(500);
  });
});

describe('the shared clock', () => {
  it('shows the same on all threads', async () => {
    const before = sharedTime(performance.now());
    const there = await runWorker<number>(
      `const { sharedTime } = await load('sharing/clock.ts'); post(sharedTime(performance.now()));`,
    );
    const after = sharedTime(performance.now());
    expect(elapsed(before, there)).toBeGreaterThanOrEqual(-1);
    expect(elapsed(there, after)).toBeGreaterThanOrEqual(-1);
  });
});
