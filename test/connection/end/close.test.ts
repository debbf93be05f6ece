import { describe, expect, it } from 'vitest';
import { Closer } from '../../../src/connection/end/close.ts';
import { MemoryBlocks } from '../../../src/connection/bytes/saved-bytes.ts';
import { mapped } from '../../../src/ip-address.ts';
import type { ServerEvent } from '../../../src/log/event.ts';
import { Arena } from '../../../src/sharing/arena.ts';
import { ConnectionTable, COUNTED } from '../../../src/sharing/connection-table.ts';
import { CLOSING, FREE, stateOf } from '../../../src/sharing/control-word.ts';
import { ThreadBoard } from '../../../src/sharing/thread-board.ts';
import { storingBefore } from '../../../src/sys/without-kernel.ts';
import { FakeKernel } from '../../support/fake-kernel.ts';

const FD = 5;

function closing() {
  const table = ConnectionTable.create(8);
  const arena = Arena.create(1 << 16);
  const board = ThreadBoard.create(1);
  const row = board.row(0);
  const closes = () => board.total().closes;
  const steps: string[] = [];
  const events: ServerEvent[] = [];
  /** What was counted at each event. */
  const reported: unknown[] = [];
  const state = (): string => (stateOf(table.word(FD)) === FREE ? 'free' : 'closing');
  const close = () => (steps.push(`close(${state()})`), 0);
  const sys = { storeAndClose: storingBefore(close), addressText: () => '10.0.0.1' };
  const report = (event: ServerEvent): void => {
    steps.push('report');
    reported.push([row.clients, row.isEmpty, closes()]);
    events.push(event);
  };
  const closer = new Closer(sys, table, arena, report, row);
  const generation = table.admit(FD, 0, 7, mapped([10, 0, 0, 1]), 1000, 0);
  table.settle(FD, generation);
  table.take(FD, generation);
  row.addClients(1);
  const blocks = new MemoryBlocks(new FakeKernel(table), arena, 0);
  return { arena, blocks, closer, closes, events, generation, reported, row, steps, table };
}

describe('the end of a connection', () => {
  it('is counted and reported before the slot is free, and the slot is free before the fd is closed', () => {
    const { closer, closes, events, generation, row, steps } = closing();
    closer.close(FD, generation, row, 'idle-timeout', 'why');
    expect(steps).toEqual(['report', 'close(free)']);
    const about = { client: 7, address: '10.0.0.1', port: 1000, thread: 1 };
    expect(events).toEqual([
      { type: 'close', time: expect.any(Number), ...about, reason: 'idle-timeout', detail: 'why' },
    ]);
    expect([row.clients, closes()['idle-timeout']]).toEqual([0, 1]);
  });

  it('is counted when it is reported, and its thread has something to do until it is closed', () => {
    const { closer, generation, reported, row } = closing();
    let isEmpty: boolean | undefined;
    closer.close(FD, generation, row, 'idle-timeout', undefined, { letGo: () => (isEmpty = row.isEmpty) });
    expect(reported).toEqual([[0, false, expect.objectContaining({ 'idle-timeout': 1 })]]);
    expect([isEmpty, row.clients, row.isEmpty]).toEqual([false, 0, true]);
  });

  it('is counted once for a client that was cut off, whose thread holds nothing up', () => {
    const { closer, generation, reported, row } = closing();
    closer.cutOff(FD, row, 'handler-timeout');
    expect(reported).toEqual([[0, false, expect.objectContaining({ 'handler-timeout': 1 })]]);
    expect([row.clients, row.isEmpty]).toEqual([0, true]);
    closer.close(FD, generation, row, 'thread-exit');
    expect([row.clients, row.isEmpty, reported.length]).toEqual([0, true, 1]);
  });

  it('is told to the service while the slot is its own, and all that was kept is free afterwards', () => {
    const { arena, blocks, closer, generation, row, steps, table } = closing();
    const { block, capacity } = blocks.allocate(100);
    table.save(FD, { block, capacity, start: 0, end: 10 }, 0, undefined);
    const letGo = (): void => {
      steps.push('let go');
      expect(stateOf(table.word(FD))).toBe(CLOSING);
      expect(table.flags(FD) & COUNTED).toBe(COUNTED);
    };
    closer.close(FD, generation, row, 'server-finished', undefined, { letGo });
    expect(steps).toEqual(['report', 'let go', 'close(free)']);
    expect(arena.used).toBe(0);
  });

  it('is counted and reported once, if the thread that did so died before it was over', () => {
    const { closer, closes, events, generation, row, table } = closing();
    table.setFlags(FD, COUNTED);
    row.addClosing(1);
    row.addClients(-1);
    closer.close(FD, generation, row, 'thread-exit');
    expect([events, row.clients, row.isEmpty, closes()['thread-exit']]).toEqual([[], 0, true, 0]);
  });

  it('is none for a client that another process has', () => {
    const { closer, events, generation, row, steps } = closing();
    closer.letGo(FD, generation);
    expect([events, steps, row.clients]).toEqual([[], ['close(free)'], 1]);
  });
});
