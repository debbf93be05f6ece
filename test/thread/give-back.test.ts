import { describe, expect, it } from 'vitest';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { BUSY, epochOf, MOVING, IDLE, stateOf, threadOf, withState } from '../../src/sharing/control-word.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { ENOMEM } from '../../src/sys/errno.ts';
import { giveBack } from '../../src/thread/give-back.ts';

const FD = 7;

interface Call {
  readonly set: number;
  readonly operation: number;
  readonly word: number;
  readonly mask: number;
  readonly generation: number;
}

/** A thread that serves the client of `FD`; each call of epoll_ctl answers what `results` says, and is noted with the word then. */
function serving(results: readonly number[] = []) {
  const board = ThreadBoard.create(2);
  const [row, room] = [board.row(1), board.waitingRoom];
  row.epollFd = 11;
  room.epollFd = 22;
  const table = ConnectionTable.create(64);
  const generation = table.admit(FD, 1, 1, new Uint8Array(16), 1, 0);
  table.settle(FD, generation);
  table.take(FD, generation);
  const calls: Call[] = [];
  const epollControl = (set: number, operation: number, _fd: number, mask: number, _low: number, high: number) => {
    calls.push({ set, operation, word: table.word(FD), mask, generation: high });
    return results[calls.length - 1] ?? 0;
  };
  return {
    calls,
    room,
    row,
    table,
    generation,
    give: () => giveBack({ sys: { epollControl }, table, row, room }, FD, generation),
  };
}

describe('giveBack', () => {
  it('claims the next generation, changes the epoll set, and makes the client idle in the room, in this order', () => {
    const { calls, give, room, table, generation } = serving();
    expect(give()).toBe(true);
    const [del, add] = calls as [Call, Call];
    expect([del.set, del.operation, add.set, add.operation]).toEqual([11, EPOLL_CTL_DEL, 22, EPOLL_CTL_ADD]);
    for (const { word } of calls) {
      expect([stateOf(word), threadOf(word), epochOf(word)]).toEqual([BUSY, 1, epochOf(generation) + 1]);
    }
    expect(table.word(FD)).toBe(add.generation);
    expect([stateOf(add.generation), threadOf(add.generation), epochOf(add.generation)]).toEqual([
      IDLE,
      room.thread,
      epochOf(generation) + 1,
    ]);
    expect(add.mask & (EPOLLIN | EPOLLOUT)).toBe(EPOLLIN | EPOLLOUT);
    expect(table.takeGiver(FD)).toBe(1);
  });

  it('leaves the client to the acceptor that was faster', () => {
    const { give, table } = serving();
    const original = table.endGiveBack.bind(table);
    let taken = 0;
    table.endGiveBack = (fd, thread, given) => {
      table.endGiveBack = original;
      // The acceptor hears of the client between the two steps, and moves it on.
      expect(table.isGivenBack(fd, given)).toBe(true);
      taken = table.startMove(fd, given, 0) as number;
      original(fd, thread, given);
    };
    expect(give()).toBe(true);
    const word = table.word(FD);
    expect([stateOf(word), threadOf(word), word]).toEqual([MOVING, 0, withState(taken, MOVING)]);
  });

  it('keeps the client on its own thread, in the new generation, where the room cannot watch it', () => {
    const { calls, give, row, table, generation } = serving([0, ENOMEM, 0]);
    expect(give()).toBe(true);
    expect(calls.map(({ set }) => set)).toEqual([11, 22, 11]);
    const word = table.word(FD);
    expect([stateOf(word), threadOf(word), epochOf(word)]).toEqual([IDLE, row.thread, epochOf(generation) + 1]);
    expect([calls[2]?.generation, table.takeGiver(FD)]).toEqual([word, -1]);
  });

  it('says so where nobody can watch the client, which its thread still has', () => {
    const { give, row, table } = serving([0, ENOMEM, ENOMEM]);
    expect(give()).toBe(false);
    expect([stateOf(table.word(FD)), threadOf(table.word(FD))]).toEqual([BUSY, row.thread]);
  });

  it('has the thread seen as free before the room tells of the client', () => {
    const { give, row } = serving();
    row.beat(FD);
    const before = row.heartbeat;
    give();
    expect([row.currentFd, row.heartbeat]).toEqual([-1, before + 1]);
  });
});
