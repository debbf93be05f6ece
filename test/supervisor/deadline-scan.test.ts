import { expect, it } from 'vitest';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import { DeadlineScan } from '../../src/supervisor/deadline-scan.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { Deadlines } from '../../src/sharing/deadlines.ts';
import { PARKED, RUNNING, ThreadBoard } from '../../src/sharing/thread-board.ts';
import type { WaitingRoom } from '../../src/supervisor/waiting-room/waiting-room.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { sys } from '../support/loopback.ts';
import { playClock } from '../support/played-clock.ts';

const IDLE = 1000;

/** Two threads, the first parked, and a client of each. */
function sweeping({ sendTimeout = Infinity } = {}) {
  const clock = playClock();
  const table = ConnectionTable.create(16);
  const { rows } = ThreadBoard.create(2);
  const registry = new ThreadRegistry(sys, { min: 1, max: 2, clientsPerThread: Infinity, moveAfter: 5 });
  rows.forEach((row, thread) => {
    row.state = thread === 0 ? PARKED : RUNNING;
    registry.add(row);
    table.settle(5 + thread, table.admit(5 + thread, thread, thread + 1, new Uint8Array(16), 1, 0));
    table.setLastActivity(5 + thread, sharedTime(clock.now));
  });
  const timeouts = { idleTimeout: IDLE, messageTimeout: Infinity, sendTimeout };
  const deadlineScan = new DeadlineScan(table, registry, new Deadlines(table, timeouts));
  return { clock, rows, deadlineScan, table };
}

it('tells the threads whose clients are late, and wakes those that are parked', () => {
  const { clock, rows, deadlineScan, table } = sweeping();
  deadlineScan.scan(clock.now);
  expect(rows.map((row) => row.expired)).toEqual([false, false]);
  clock.now += IDLE + 1;
  table.setLastActivity(6, sharedTime(clock.now));
  const rings = rows.map((row) => row.waker.count);
  deadlineScan.scan(clock.now);
  expect(rows.map((row) => row.expired)).toEqual([true, false]);
  expect(rows.map((row, thread) => row.waker.count - (rings[thread] ?? 0))).toEqual([1, 0]);
});

it('tells a thread that one of its clients may have read some of what waits for it', () => {
  const { clock, rows, deadlineScan, table } = sweeping({ sendTimeout: IDLE });
  table.setWriteStalledAt(6, sharedTime(clock.now));
  deadlineScan.scan(clock.now);
  deadlineScan.scan((clock.now += IDLE / 10));
  expect(rows.map((row) => row.expired)).toEqual([false, true]);
});

it('has a client of the waiting room go on that may have read some', () => {
  const { clock, rows, deadlineScan, table } = sweeping({ sendTimeout: IDLE });
  const row = { thread: 1 };
  const asked: number[] = [];
  deadlineScan.room = { row, goOn: (fd: number) => void asked.push(fd) } as unknown as WaitingRoom;
  table.setWriteStalledAt(6, sharedTime(clock.now));
  for (let look = 0; look < 2; look++) deadlineScan.scan((clock.now += IDLE / 10));
  expect([asked, rows.map(({ expired }) => expired)]).toEqual([[6], [false, false]]);
});

it('leaves alone who is being served, and slots that are free', () => {
  const { clock, rows, deadlineScan, table } = sweeping();
  const generation = table.word(5);
  expect(table.take(5, generation)).toBe(true);
  table.free(6, table.word(6), withoutKernel);
  clock.now += IDLE + 1;
  deadlineScan.scan(clock.now);
  expect(rows.map((row) => row.expired)).toEqual([false, false]);
  table.idle(5, generation);
  clock.now += IDLE;
  deadlineScan.scan(clock.now);
  expect(rows[0]?.expired).toBe(true);
});

it('does not count one look that comes late: the process was stopped, and has not read what came meanwhile', () => {
  const { clock, rows, deadlineScan, table } = sweeping();
  for (const ms of [0, 100, 100]) deadlineScan.scan((clock.now += ms));
  clock.now += 6000;
  deadlineScan.scan(clock.now);
  expect(rows.map((row) => row.expired)).toEqual([false, false]);
  table.setLastActivity(6, sharedTime(clock.now));
  deadlineScan.scan((clock.now += 100));
  expect(rows.map((row) => row.expired)).toEqual([true, false]);
});

it('counts every second look of an acceptor that always is late', () => {
  const { clock, rows, deadlineScan } = sweeping();
  for (let look = 0; look < 2; look++) deadlineScan.scan((clock.now += IDLE));
  expect(rows[0]?.expired).toBe(true);
});

it('looks again only after a while', () => {
  const { clock, deadlineScan } = sweeping();
  deadlineScan.scan(clock.now);
  expect(deadlineScan.left(clock.now)).toBe(IDLE / 10);
  clock.now += 40;
  expect(deadlineScan.left(clock.now)).toBe(60);
});
