import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Closer } from '../../src/connection/end/close.ts';
import { Migrator } from '../../src/supervisor/migrate.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable, NEW } from '../../src/sharing/connection-table.ts';
import { FREE, MOVING, IDLE, stateOf, threadOf } from '../../src/sharing/control-word.ts';
import { ThreadBoard, type ThreadRow, zeroCounters } from '../../src/sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { ENOMEM } from '../../src/sys/errno.ts';
import type { Sys } from '../../src/sys/sys.ts';
import { flakySys } from '../support/flaky-sys.ts';
import { type Pair, pair, readable, sys, write } from '../support/loopback.ts';
import { eventsOf, startRows } from '../support/thread-rows.ts';

const ADDRESS = new Uint8Array(16);

/** Three threads, and a migrator that asks `its` for its calls. */
function threads(its: Sys = sys) {
  const table = ConnectionTable.create(4096);
  const counters = new AcceptorCounters();
  const board = ThreadBoard.create(3);
  const rows = startRows(board) as [ThreadRow, ThreadRow, ThreadRow];
  const events: ServerEvent[] = [];
  const closer = new Closer(its, table, Arena.create(1 << 16), (event) => void events.push(event), board.waitingRoom);
  return { table, board, counters, rows, events, migrator: new Migrator(its, table, counters, closer, board) };
}

type Threads = ReturnType<typeof threads>;

/** How many clients were closed as over the limit, as the counters of `row` say. */
function closesOf(row: ThreadRow): number {
  const sum = zeroCounters();
  row.addTo(sum);
  return sum.closes['over-limit'];
}

function placed({ table, rows, migrator }: Threads, fd: number, thread: number, flags = 0): number {
  const generation = table.admit(fd, thread, 1, ADDRESS, 1, flags);
  const row = rows[thread] as ThreadRow;
  row.clientCame();
  migrator.place(fd, generation, row);
  return generation;
}

describe('Migrator.place', () => {
  it('puts a client to rest in the set of its thread, which then hears of it', async () => {
    const on = threads();
    const { fd, client } = await pair();
    const generation = placed(on, fd, 1);
    expect(on.table.word(fd)).toBe(generation);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 1, 0]);
    expect(on.rows.flatMap(eventsOf)).toEqual([]);
    await write(client, 'x');
    expect(on.rows.map(eventsOf)).toEqual([[], [{ fd, generation, mask: EPOLLIN }], []]);
  });

  it('lets the thread hear at once of a client that it is to greet', async () => {
    const on = threads();
    const { fd } = await pair();
    const generation = placed(on, fd, 0, NEW);
    expect(eventsOf(on.rows[0])).toEqual([{ fd, generation, mask: EPOLLOUT }]);
  });

  it('closes a client that cannot be watched, once, and says why', async () => {
    const on = threads(flakySys(sys, { epollControl: [ENOMEM], close: [0] }).sys);
    const { fd } = await pair();
    placed(on, fd, 0);
    expect(stateOf(on.table.word(fd))).toBe(FREE);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 0, 0]);
    expect(on.events).toMatchObject([{ type: 'close', client: 1, reason: 'over-limit', thread: 1 }]);
    // A counter has one writer: those of a thread that lives are its own.
    expect([...on.rows, on.board.waitingRoom].map(closesOf)).toEqual([0, 0, 0, 1]);
  });
});

describe('Migrator.move', () => {
  it('makes the old set silent and the new one report, with a new generation', async () => {
    const on = threads();
    const { fd, client } = await pair();
    const generation = placed(on, fd, 0);
    expect(on.migrator.move(fd, generation, on.rows[0], on.rows[2], 'blocked')).toBe(true);
    await write(client, 'x');
    const moved = on.table.word(fd);
    expect([stateOf(moved), threadOf(moved), moved === generation]).toEqual([IDLE, 2, false]);
    expect(on.rows.map(eventsOf)).toEqual([[], [], [{ fd, generation: moved, mask: EPOLLIN }]]);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 0, 1]);
    expect(on.counters.moves).toMatchObject({ blocked: 1, balance: 0 });
  });

  it('takes bytes along that have arrived but were not read', async () => {
    const on = threads();
    const { fd, client } = await pair();
    const generation = placed(on, fd, 0);
    await write(client, 'early');
    expect(eventsOf(on.rows[0])).toHaveLength(1);
    on.migrator.move(fd, generation, on.rows[0], on.rows[1], 'balance');
    expect([eventsOf(on.rows[0]).length, eventsOf(on.rows[1]).length]).toEqual([0, 1]);
    // The event that the old thread had before the move is stale.
    expect(on.table.take(fd, generation)).toBe(false);
    expect(on.table.take(fd, on.table.word(fd))).toBe(true);
  });

  it('keeps a client new to its service new', async () => {
    const on = threads();
    const { fd } = await pair();
    const generation = placed(on, fd, 0, NEW);
    on.migrator.move(fd, generation, on.rows[0], on.rows[1], 'blocked');
    expect(eventsOf(on.rows[1])).toMatchObject([{ fd, mask: EPOLLOUT }]);
  });

  it('leaves a client alone that its thread has taken or holds, or that has moved already', async () => {
    const flaky = flakySys(sys);
    const on = threads(flaky.sys);
    const { fd } = await pair();
    const generation = placed(on, fd, 0);
    const calls = flaky.calls('epollControl').length;
    const tryMove = () => on.migrator.move(fd, generation, on.rows[0], on.rows[1], 'blocked');
    on.table.take(fd, generation);
    expect(tryMove()).toBe(false);
    on.table.pin(fd, generation);
    expect(tryMove()).toBe(false);
    expect(flaky.calls('epollControl')).toHaveLength(calls);
    on.table.idle(fd, generation);
    expect([tryMove(), tryMove()]).toEqual([true, false]);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 1, 0]);
  });

  it('has exactly the new set report, after any moves', async () => {
    const { fd, client } = await pair();
    await write(client, 'x');
    const move = fc.tuple(fc.nat({ max: 2 }), fc.boolean());
    const on = threads();
    let generation = placed(on, fd, 0);
    let at = 0;
    expect(on.rows.map((row) => eventsOf(row).length)).toEqual([1, 0, 0]);
    fc.assert(
      fc.property(fc.array(move, { maxLength: 20 }), (moves) => {
        for (const [to, stale] of moves) {
          const before = generation;
          const wrong = stale && generation + 1;
          const result = on.migrator.move(
            fd,
            wrong || generation,
            on.rows[at] as ThreadRow,
            on.rows[to] as ThreadRow,
            'balance',
          );
          expect(result).toBe(!stale);
          if (!stale) [at, generation] = [to, on.table.word(fd)];
          expect(generation === before).toBe(stale);
          const reports = [0, 1, 2].map((row) => (row === at && !stale ? 1 : 0));
          expect(on.rows.map((row) => eventsOf(row).length)).toEqual(reports);
          expect(on.rows.map((row) => row.clients)).toEqual([0, 1, 2].map((row) => (row === at ? 1 : 0)));
        }
      }),
    );
  });

  it('closes a client that the new set cannot take, once, and says why', async () => {
    const flaky = flakySys(sys, { epollControl: ['pass', 'pass', ENOMEM], close: [0] });
    const on = threads(flaky.sys);
    const { fd, client } = await pair();
    placed(on, fd, 0);
    await write(client, 'x');
    on.migrator.move(fd, on.table.word(fd), on.rows[0], on.rows[1], 'blocked');
    expect(flaky.calls('epollControl')[2]?.[1]).toBe(EPOLL_CTL_ADD);
    expect([stateOf(on.table.word(fd)), flaky.calls('close')]).toEqual([FREE, [[fd]]]);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 0, 0]);
    expect(on.rows.flatMap(eventsOf)).toEqual([]);
    expect(on.events).toMatchObject([{ type: 'close', reason: 'over-limit', thread: 2 }]);
  });
});

describe('Migrator.detach and reattach', () => {
  it('take a client out of all hands, and put it to rest again with a generation that is new', async () => {
    const on = threads();
    const { fd, client } = await pair();
    const generation = placed(on, fd, 0);
    await write(client, 'x');
    expect(on.migrator.detach(fd, generation, on.rows[0])).toBe(true);
    expect([stateOf(on.table.word(fd)), on.table.take(fd, generation)]).toEqual([MOVING, false]);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 0, 0]);
    expect(on.rows.flatMap(eventsOf)).toEqual([]);
    on.migrator.reattach(fd, on.rows[2]);
    const back = on.table.word(fd);
    expect([stateOf(back), threadOf(back), on.table.take(fd, generation)]).toEqual([IDLE, 2, false]);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 0, 1]);
    expect(on.rows.map(eventsOf)).toEqual([[], [], [{ fd, generation: back, mask: EPOLLIN }]]);
    expect(on.counters.moves).toMatchObject({ blocked: 0, 'thread-exit': 0, balance: 0, reload: 0 });
  });

  it('leave a client alone that its thread has taken or holds', async () => {
    const on = threads();
    const { fd } = await pair();
    const generation = placed(on, fd, 0);
    on.table.take(fd, generation);
    expect(on.migrator.detach(fd, generation, on.rows[0])).toBe(false);
    on.table.pin(fd, generation);
    expect(on.migrator.detach(fd, generation, on.rows[0])).toBe(false);
    expect(on.rows.map((row) => row.clients)).toEqual([1, 0, 0]);
  });
});

describe('Migrator.moveSome', () => {
  it('moves who rests on a thread to where each is to go, and nobody else', async () => {
    const on = threads();
    const pairs = await Promise.all(Array.from({ length: 5 }, () => pair()));
    const [one, two, stays, busy, other] = pairs.map(({ fd }) => fd) as [number, number, number, number, number];
    for (const fd of [one, two, stays, busy]) placed(on, fd, 0);
    placed(on, other, 1);
    on.table.take(busy, on.table.word(busy));
    const asked: number[] = [];
    const choose = (fd: number) => {
      asked.push(fd);
      return fd === stays ? undefined : on.rows[fd === one ? 1 : 2];
    };
    const moved = on.migrator.moveSome(on.rows[0], 'balance', choose, Infinity);
    expect([moved, asked.sort((a, b) => a - b)]).toEqual([2, [one, two, stays].sort((a, b) => a - b)]);
    expect(on.rows.map((row) => row.clients)).toEqual([2, 2, 1]);
    expect([one, two, stays, busy, other].map((fd) => threadOf(on.table.word(fd)))).toEqual([1, 2, 0, 0, 1]);
    expect(on.counters.moves.balance).toBe(2);
  });

  it('moves no more than it was told to', async () => {
    const on = threads();
    for (const { fd } of await Promise.all([pair(), pair(), pair()])) placed(on, fd, 0);
    expect(on.migrator.moveSome(on.rows[0], 'balance', () => on.rows[1], Infinity, 2)).toBe(2);
    expect(on.rows.map((row) => row.clients)).toEqual([1, 2, 0]);
  });

  it('ends when its time is over', async () => {
    const on = threads();
    for (const { fd } of await Promise.all([pair(), pair(), pair()])) placed(on, fd, 0);
    expect(on.migrator.moveSome(on.rows[0], 'balance', () => on.rows[1], 0)).toBe(1);
  });
});

describe('Migrator.evacuate', () => {
  it('moves first those that have sent something, also where their thread has fetched the event', async () => {
    const on = threads();
    const pairs = await Promise.all(Array.from({ length: 6 }, () => pair()));
    for (const { fd } of pairs) placed(on, fd, 0);
    const [talker, other] = [pairs[3], pairs[5]] as [Pair, Pair];
    for (const { client, fd } of [talker, other]) {
      await write(client, 'x');
      await readable(fd);
    }
    expect(eventsOf(on.rows[0])).toHaveLength(2);
    const asked: number[] = [];
    const choose = (fd: number) => {
      asked.push(fd);
      return on.rows[1];
    };
    expect(on.migrator.evacuate(on.rows[0], 'blocked', choose, Infinity)).toBe(true);
    const byNumber = (a: number, b: number): number => a - b;
    const talkers = [talker.fd, other.fd].sort(byNumber);
    expect(asked.slice(0, 2)).toEqual(talkers);
    expect(on.rows.map((row) => row.clients)).toEqual([0, 6, 0]);
    const told = eventsOf(on.rows[1]).map(({ fd }) => fd);
    expect(told.sort(byNumber)).toEqual(talkers);
  });
});
