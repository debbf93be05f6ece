import { describe, expect, it } from 'vitest';
import { Lease } from '../../src/connection/lease.ts';
import { MemoryBlocks } from '../../src/connection/bytes/saved-bytes.ts';
import { mapped } from '../../src/ip-address.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { ConnectionTable, ENDED, type SavedBytes } from '../../src/sharing/connection-table.ts';
import { BUSY, IDLE, PINNED, stateOf } from '../../src/sharing/control-word.ts';
import { FakeKernel } from '../support/fake-kernel.ts';

const FD = 3;
const ADDRESS = mapped([10, 0, 0, 1]);

function leaseOf() {
  const table = ConnectionTable.create(8);
  const arena = Arena.create(1 << 16);
  const blocks = new MemoryBlocks(new FakeKernel(table), arena, 0);
  const generation = table.admit(FD, 0, 7, ADDRESS, 1000, 0);
  table.settle(FD, generation);
  table.take(FD, generation);
  const kept: [number, number][] = [];
  const context = {
    table,
    blocks,
    time: 1000,
    canWatch: true,
    makeIdle(fd: number, of: number): boolean {
      if (context.canWatch) table.idle(fd, of);
      return context.canWatch;
    },
    countKept: (more: number, here: number) => void kept.push([more, here]),
  };
  const state = (): number => stateOf(table.word(FD));
  return { arena, blocks, context, generation, kept, lease: new Lease(context, FD, generation, false), state, table };
}

/** Bytes of the arena that are saved with a slot. */
function bytesIn(blocks: MemoryBlocks): SavedBytes {
  const { block, capacity } = blocks.allocate(100);
  return { block, capacity, start: 10, end: 60 };
}

describe('a lease', () => {
  it('begins with a slot that is busy, and gives it up idle', () => {
    const { lease, state } = leaseOf();
    expect([lease.isIdle, lease.isPinned, lease.isClear, state()]).toEqual([false, false, true, BUSY]);
    expect(lease.idle()).toBe(true);
    expect([lease.isIdle, lease.isClear, state()]).toEqual([true, true, IDLE]);
  });

  it('takes its slot again, and only once', () => {
    const { lease, state } = leaseOf();
    lease.idle();
    expect([lease.take(), lease.isIdle, state()]).toEqual([true, false, BUSY]);
    expect([lease.take(), state()]).toEqual([true, BUSY]);
  });

  it('does not take the slot of a client that has moved', () => {
    const { generation, lease, table } = leaseOf();
    lease.idle();
    const moved = table.startMove(FD, generation, 1) as number;
    table.settle(FD, moved);
    expect([lease.take(), lease.isIdle, table.word(FD)]).toEqual([false, true, moved]);
  });

  it('does not take the slot of another client under the same generation', () => {
    const { context, generation, lease } = leaseOf();
    lease.idle();
    // The epochs have gone round: the same word, for the client of another number.
    const later = ConnectionTable.create(8);
    expect(later.admit(FD, 0, 8, ADDRESS, 1001, 0)).toBe(generation);
    later.settle(FD, generation);
    context.table = later;
    expect([lease.take(), lease.isIdle, later.word(FD)]).toEqual([false, true, generation]);
  });

  it('keeps a slot that is pinned, without taking it', () => {
    const { lease, state } = leaseOf();
    lease.pin();
    lease.pin();
    expect([lease.isPinned, lease.isIdle, lease.isClear, state()]).toEqual([true, false, false, PINNED]);
    lease.begin();
    expect([lease.isPinned, lease.take(), state()]).toEqual([true, true, PINNED]);
    lease.idle();
    expect([lease.isPinned, state()]).toEqual([false, IDLE]);
  });

  it('keeps the slot of a client that the kernel cannot watch', () => {
    const { context, lease, state } = leaseOf();
    context.canWatch = false;
    expect([lease.idle(), lease.isIdle, state()]).toEqual([false, false, BUSY]);
  });
});

describe('saved bytes', () => {
  it('are in the slot with the flags while it is idle, and outlive the thread', () => {
    const { arena, blocks, lease, table } = leaseOf();
    const inbox = bytesIn(blocks);
    lease.save(inbox, 50, undefined, ENDED);
    lease.idle();
    expect([table.inbox(FD), table.scanned(FD), table.outbox(FD), table.flags(FD)]).toEqual([
      inbox,
      50,
      undefined,
      ENDED,
    ]);
    const { used } = arena;
    arena.reclaim(0);
    expect(arena.used).toBe(used);
  });

  it('are restored when work begins: the slot names them no more, and the thread has them', () => {
    const { arena, blocks, lease, table } = leaseOf();
    lease.save(bytesIn(blocks), 0, bytesIn(blocks), 0);
    lease.idle();
    lease.take();
    expect([table.inbox(FD), table.outbox(FD)]).toEqual([undefined, undefined]);
    arena.reclaim(0);
    expect(arena.used).toBe(0);
  });

  it('of the thread before are restored too', () => {
    const { blocks, context, generation, table } = leaseOf();
    const outbox = bytesIn(blocks);
    blocks.leave(outbox);
    table.save(FD, undefined, 0, outbox);
    const lease = new Lease(context, FD, generation, true);
    expect(lease.isClear).toBe(false);
    lease.begin();
    expect(table.outbox(FD)).toBeUndefined();
  });
});

describe('how much is kept', () => {
  it('is written down and counted where it changes, and taken back at zero', () => {
    const { kept, lease, table } = leaseOf();
    lease.noteKept(0, 0);
    lease.noteKept(300, 100);
    lease.noteKept(300, 100);
    expect([table.kept(FD), table.keptHere(FD), lease.isClear]).toEqual([300, 100, false]);
    lease.noteKept(256, 0);
    lease.noteKept(0, 0);
    expect(kept).toEqual([
      [300, 100],
      [-44, -100],
      [-256, 0],
    ]);
    expect([table.kept(FD), lease.isClear]).toEqual([0, true]);
  });
});

describe('the times that deadlines are counted from', () => {
  it('are of the last activity, unless the client need not be active', () => {
    const { lease, table } = leaseOf();
    lease.noteActivity();
    expect(table.lastActivity(FD)).toBe(sharedTime(1000));
    lease.stopIdling();
    expect(table.lastActivity(FD)).toBe(0);
  });

  it('are of the first part of a message, until it is complete or another begins', () => {
    const { context, lease, table } = leaseOf();
    lease.messageStarted(false);
    context.time = 2000;
    lease.messageStarted(false);
    expect(table.messageStartedAt(FD)).toBe(sharedTime(1000));
    lease.messageStarted(true);
    expect(table.messageStartedAt(FD)).toBe(sharedTime(2000));
    lease.messageDone();
    expect(table.messageStartedAt(FD)).toBe(0);
  });

  it('are of the last byte that a client took of what waits for it', () => {
    const { lease, table } = leaseOf();
    lease.writeStalled();
    expect(table.writeStalledAt(FD)).toBe(sharedTime(1000));
    lease.writeFlowing();
    expect(table.writeStalledAt(FD)).toBe(0);
  });
});
