import { expect, it } from 'vitest';
import { Roster } from '../../src/acceptor/roster.ts';
import { Sweeper } from '../../src/acceptor/sweeper.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { Deadlines } from '../../src/sharing/deadlines.ts';
import { PARKED, RUNNING, ThreadBoard } from '../../src/sharing/thread-board.ts';
import { sys } from '../support/loopback.ts';
import { playClock } from '../support/played-clock.ts';

const IDLE = 1000;

/** Two threads, the first parked, and a client of each. */
function sweeping() {
  const clock = playClock();
  const table = ConnectionTable.create(16);
  const { rows } = ThreadBoard.create(2);
  const roster = new Roster(sys, { min: 1, max: 2, clientsPerThread: Infinity, moveAfter: 5 });
  rows.forEach((row, thread) => {
    row.state = thread === 0 ? PARKED : RUNNING;
    roster.add(row);
    table.settle(5 + thread, table.admit(5 + thread, thread, thread + 1, new Uint8Array(16), 1, 0));
    table.setSeen(5 + thread, sharedTime(clock.now));
  });
  const timeouts = { idleTimeout: IDLE, messageTimeout: Infinity, sendTimeout: Infinity };
  const sweeper = new Sweeper(table, roster, new Deadlines(table, timeouts));
  return { clock, rows, sweeper, table };
}

it('tells the threads whose clients are late, and wakes those that are parked', () => {
  const { clock, rows, sweeper, table } = sweeping();
  sweeper.sweep(clock.now);
  expect(rows.map((row) => row.overdue)).toEqual([false, false]);
  clock.now += IDLE + 1;
  table.setSeen(6, sharedTime(clock.now));
  const rings = rows.map((row) => row.bell.count);
  sweeper.sweep(clock.now);
  expect(rows.map((row) => row.overdue)).toEqual([true, false]);
  expect(rows.map((row, thread) => row.bell.count - (rings[thread] ?? 0))).toEqual([1, 0]);
});

it('leaves alone who is being served, and slots that are free', () => {
  const { clock, rows, sweeper, table } = sweeping();
  const ticket = table.word(5);
  expect(table.take(5, ticket)).toBe(true);
  table.free(6, table.word(6));
  clock.now += IDLE + 1;
  sweeper.sweep(clock.now);
  expect(rows.map((row) => row.overdue)).toEqual([false, false]);
  table.rest(5, ticket);
  clock.now += IDLE;
  sweeper.sweep(clock.now);
  expect(rows[0]?.overdue).toBe(true);
});

it('does not count one look that comes late: the process was stopped, and has not read what came meanwhile', () => {
  const { clock, rows, sweeper, table } = sweeping();
  for (const ms of [0, 100, 100]) sweeper.sweep((clock.now += ms));
  clock.now += 6000;
  sweeper.sweep(clock.now);
  expect(rows.map((row) => row.overdue)).toEqual([false, false]);
  table.setSeen(6, sharedTime(clock.now));
  sweeper.sweep((clock.now += 100));
  expect(rows.map((row) => row.overdue)).toEqual([true, false]);
});

it('counts every second look of an acceptor that always is late', () => {
  const { clock, rows, sweeper } = sweeping();
  for (let look = 0; look < 2; look++) sweeper.sweep((clock.now += IDLE));
  expect(rows[0]?.overdue).toBe(true);
});

it('looks again only after a while', () => {
  const { clock, sweeper } = sweeping();
  sweeper.sweep(clock.now);
  expect(sweeper.left(clock.now)).toBe(IDLE / 10);
  clock.now += 40;
  expect(sweeper.left(clock.now)).toBe(60);
});
