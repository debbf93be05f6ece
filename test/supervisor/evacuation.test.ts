import { describe, expect, it } from 'vitest';
import { Evacuations } from '../../src/supervisor/evacuation.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { threadOf } from '../../src/sharing/control-word.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { EPOLLIN } from '../../src/sys/constants.ts';
import { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import type { PollSet } from '../../src/sys/structs/poll-set.ts';
import { playClock } from '../support/played-clock.ts';

const ADDRESS = new Uint8Array(16);
/** What one move takes, in ms. */
const MOVE_MS = 2 ** -7;

/** `clients` idle clients on the first of three threads, of which those in `ready` have sent something; no fd is open. */
function crowd(clients: number, ready: ReadonlySet<number> = new Set()) {
  const clock = playClock();
  const table = ConnectionTable.create(clients);
  const rows = ThreadBoard.create(3).rows as [ThreadRow, ThreadRow, ThreadRow];
  const seen = (fd: number, msAgo: number): void => table.setLastActivity(fd, sharedTime(clock.now - msAgo));
  for (let fd = 0; fd < clients; fd++) {
    table.settle(fd, table.admit(fd, 0, fd + 1, ADDRESS, 1, 0));
    seen(fd, 2000);
  }
  const moved: number[] = [];
  const sys = {
    allocate: (size: number) => new NativeBuffer(Buffer.from(new ArrayBuffer(size)), () => 0n),
    poll: (set: PollSet, count: number) => {
      for (let index = 0; index < count; index++) {
        const fd = set.fd(index);
        set.answer(index, ready.has(fd) ? EPOLLIN : 0);
      }
      return count;
    },
  };
  const migrator = {
    move: (fd: number, word: number, _from: ThreadRow, to: ThreadRow) => {
      const generation = table.startMove(fd, word, to.thread);
      if (generation === undefined) return false;
      table.settle(fd, generation);
      moved.push(fd);
      clock.now += MOVE_MS;
      return true;
    },
  };
  const its = new Evacuations(sys, table, migrator);
  const step = (ms = Infinity, choose: (fd: number) => ThreadRow | undefined = () => rows[1]) =>
    its.step(rows[0], 'blocked', choose, clock.now + ms);
  return { moved, rows, step, table, talked: (fd: number) => seen(fd, 500) };
}

describe('a step', () => {
  it('moves first those that talked lately, of them first those that have sent something', () => {
    const { moved, step, talked } = crowd(3000, new Set([2999, 1500]));
    for (const fd of [3, 2000, 2999]) talked(fd);
    expect(step()).toBe(false);
    expect(moved.slice(0, 3)).toEqual([2999, 3, 2000]);
    expect(moved.length).toBeLessThan(100);
    expect([step(), moved.includes(1500)]).toEqual([false, true]);
    expect(moved.length).toBeLessThan(200);
  });

  it('then moves those that have sent something, wherever they are in a crowd, and ends soon', () => {
    const { moved, step } = crowd(3000, new Set([2999, 1500]));
    expect([step(), moved[0]]).toEqual([false, 1500]);
    const before = moved.length;
    expect([step(), moved[before]]).toEqual([false, 2999]);
    expect(moved.length).toBeLessThan(200);
    expect([step(), moved.length]).toEqual([true, 3000]);
  });

  it('moves everybody where nobody has sent anything', () => {
    const { moved, step } = crowd(1000);
    expect([step(), moved.length]).toEqual([true, 1000]);
  });

  it('ends when its time is over, and the next one goes on there', () => {
    const { moved, step } = crowd(1000);
    expect([step(2), moved.at(-1)]).toEqual([false, 255]);
    expect([step(2), moved.at(-1)]).toEqual([false, 511]);
    while (!step(2));
    expect(moved).toEqual(Array.from({ length: 1000 }, (_, fd) => fd));
  });

  it('asks those that are left again now and then', () => {
    const ready = new Set<number>();
    const { moved, step } = crowd(3000, ready);
    step(2);
    ready.add(2999);
    for (let steps = 0; steps < 5; steps++) step(2);
    expect(moved).toContain(2999);
    expect(moved.length).toBeLessThan(2000);
  });

  it('ends when its time is over though all have sent something', () => {
    const { moved, step } = crowd(2000, new Set(Array.from({ length: 2000 }, (_, fd) => fd)));
    expect(step(1)).toBe(false);
    expect(moved.length).toBeLessThan(1500);
    while (!step(1));
    expect(new Set(moved).size).toBe(2000);
  });

  it('gets on even where its time is over before it begins', () => {
    const { moved, step } = crowd(1000, new Set([999]));
    for (let steps = 0; steps < 100 && !step(-1); steps++);
    expect(new Set(moved).size).toBe(1000);
  });

  it('leaves those for whom there is no thread, and those who are not idle', () => {
    const { rows, step, table } = crowd(4);
    table.take(0, table.word(0));
    const choose = (fd: number) => (fd === 1 ? undefined : fd === 2 ? rows[0] : rows[2]);
    expect(step(Infinity, choose)).toBe(true);
    expect([0, 1, 2, 3].map((fd) => threadOf(table.word(fd)))).toEqual([0, 0, 0, 2]);
  });

  it('begins anew after the last: with who has come since', () => {
    const { moved, step, table } = crowd(3);
    table.idle(2, table.word(2));
    table.take(2, table.word(2));
    expect([step(), moved]).toEqual([true, [0, 1]]);
    table.idle(2, (table.word(2) & ~7) | 1);
    expect([step(), moved]).toEqual([true, [0, 1, 2]]);
  });
});
