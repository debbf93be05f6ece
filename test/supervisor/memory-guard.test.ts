import { describe, expect, it } from 'vitest';
import { MemoryGuard } from '../../src/supervisor/memory-guard.ts';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import { DeadlineScan } from '../../src/supervisor/deadline-scan.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { Deadlines } from '../../src/sharing/deadlines.ts';
import { MemoryAccount } from '../../src/sharing/memory-account.ts';
import { RUNNING, ThreadBoard } from '../../src/sharing/thread-board.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { sys } from '../support/loopback.ts';
import { TIMELESS } from '../support/timeless.ts';

const LIMIT = 1000;

/** A thread with clients for which as many bytes are kept as `kept` says, outside the arena. */
function guarding(kept: readonly number[]) {
  const table = ConnectionTable.create(16);
  const board = ThreadBoard.create(2);
  const arena = Arena.create(1 << 16);
  const row = board.row(0);
  row.state = RUNNING;
  const registry = new ThreadRegistry(sys, { min: 1, max: 2, clientsPerThread: Infinity, moveAfter: 5 });
  registry.add(row);
  const deadlines = new Deadlines(table, TIMELESS);
  const deadlineScan = new DeadlineScan(table, registry, deadlines);
  const fds = kept.map((bytes, index) => {
    const fd = 5 + index;
    table.settle(fd, table.admit(fd, 0, index + 1, new Uint8Array(16), 1, 0));
    table.setKept(fd, bytes, bytes);
    row.addKept(bytes);
    return fd;
  });
  const guard = new MemoryGuard(table, new MemoryAccount(board, arena, LIMIT), deadlineScan);
  const surplus = (): number[] => fds.filter((fd) => deadlines.expired(fd, 0) === 'over-limit');
  return { arena, fds, guard, row, surplus, table };
}

describe('MemoryGuard', () => {
  it('leaves all alone while not too much is kept', () => {
    const { guard, row, surplus } = guarding([400, 600]);
    guard.look(0);
    expect([surplus(), row.expired, guard.left]).toEqual([[], false, Infinity]);
  });

  it('has as many of the largest closed as are needed, and tells their thread', () => {
    const { arena, guard, row, surplus } = guarding([100, 400, 300, 600, 200]);
    guard.look(0);
    expect([surplus(), row.expired, arena.surplus]).toEqual([[8], true, 600]);
  });

  it('has those closed that are being served too', () => {
    const { guard, surplus, table } = guarding([100, 700, 300]);
    expect(table.take(6, table.word(6))).toBe(true);
    guard.look(0);
    expect(surplus()).toEqual([6]);
  });

  it('has nobody closed for memory that a thread has taken only to copy what is kept', () => {
    const { arena, guard, surplus } = guarding([100, 600, 300]);
    arena.allocate(512, 0);
    guard.look(0);
    expect(surplus()).toEqual([]);
  });

  it('chooses others if those that were chosen are not enough any more', () => {
    const { guard, row, surplus, table } = guarding([100, 400, 300, 600]);
    guard.look(0);
    table.setKept(5, 350, 350);
    row.addKept(250);
    guard.look(guard.left - 1);
    expect(surplus()).toEqual([8]);
    guard.look(guard.left);
    expect(surplus()).toEqual([6, 8]);
  });

  it('spares those that are still there when there is room again', () => {
    const { arena, guard, row, surplus } = guarding([700, 600]);
    guard.look(0);
    expect(surplus()).toEqual([5]);
    row.addKept(-700);
    guard.look(1);
    expect([surplus(), guard.left, arena.surplus]).toEqual([[], Infinity, 0]);
  });

  it('has no client closed for what the client before it on that fd has kept', () => {
    const { guard, surplus, table } = guarding([700, 600]);
    guard.look(0);
    table.free(5, table.word(5), withoutKernel);
    table.settle(5, table.admit(5, 0, 9, new Uint8Array(16), 1, 0));
    expect([surplus(), table.kept(5)]).toEqual([[], 0]);
  });
});
