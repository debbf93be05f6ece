import { describe, expect, it } from 'vitest';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import type { Dispatcher } from '../../src/supervisor/dispatcher.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import type { FromAcceptor } from '../../src/acceptor/messages.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { Closer } from '../../src/connection/end/close.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { bucketOf } from '../../src/sharing/latency-buckets.ts';
import { IDLE, stateOf } from '../../src/sharing/control-word.ts';
import { ENDING, PARKED, RUNNING, ThreadBoard } from '../../src/sharing/thread-board.ts';
import { storingBefore } from '../../src/sys/without-kernel.ts';
import type { WaitingRoom } from '../../src/supervisor/waiting-room/waiting-room.ts';
import { playClock } from '../support/played-clock.ts';

const sum = (counts: Float64Array): number => counts.reduce((one, other) => one + other);

const ADDRESS = new Uint8Array(16);

/**
 * Threads with one client each, watched by a supervisor whose evacuations take three steps. A thread gets `share` of the CPU.
 */
function supervisor({ balances = false, room = undefined as WaitingRoom | undefined, share = 1, threads = 2 } = {}) {
  const clock = playClock();
  const board = ThreadBoard.create(threads);
  const table = ConnectionTable.create(8);
  let lowered = 0;
  const calls = {
    threadCpuTime: () => clock.now * share,
    isRunnable: () => false,
    setSlice: () => 0,
    addNice: () => {
      lowered++;
      return 0;
    },
    storeAndClose: storingBefore(() => 0),
    addressText: () => '127.0.0.1',
  };
  const registry = new ThreadRegistry(calls, {
    min: 2,
    max: threads,
    clientsPerThread: Infinity,
    moveAfter: 5,
    hasRoom: true,
  });
  /** How many evacuations are over though clients are left. */
  const left = { times: 0 };
  const steps: { thread: number; cause: string; until: number }[] = [];
  /** `to`: where the clients of fd 0 and 1 would go; `undefined`: they stay. */
  const movedSome: { thread: number; cause: string; at: number; to: (number | undefined)[] }[] = [];
  const migrator: Dispatcher = {
    moves: true,
    announces: false,
    place: () => {},
    move: () => true,
    moveSome: (from, cause, choose) => {
      const to = [0, 1].map((fd) => choose(fd)?.thread);
      movedSome.push({ thread: from.thread, cause, at: clock.now, to });
      return 0;
    },
    evacuate: (from, cause, _choose, until) => {
      steps.push({ thread: from.thread, cause, until: until - clock.now });
      if (steps.length % 3 !== 0) return false;
      if (left.times-- > 0) return true;
      table.forEach(from.thread, (fd, word) => {
        const moved = stateOf(word) === IDLE ? table.startMove(fd, word, 1) : undefined;
        if (moved !== undefined) table.settle(fd, moved);
      });
      return true;
    },
  };
  const said: FromAcceptor[] = [];
  const events: ServerEvent[] = [];
  const counters = new AcceptorCounters();
  const its = new Supervisor(
    {
      table,
      board,
      counters,
      registry,
      migrator,
      placement: (rows) => rows[0] as never,
      busy: () => 0,
      balances,
      ...(room && { room }),
      closer: new Closer(calls, table, Arena.create(1 << 16), undefined, board.waitingRoom),
      handlerTimeout: Infinity,
      post: (message) => void said.push(message),
      report: (event) => void events.push(event),
    },
    () => {},
  );
  for (const row of board.rows) {
    row.state = RUNNING;
    row.addClients(1);
    table.settle(row.thread, table.admit(row.thread, row.thread, 1, ADDRESS, 1, 0));
    registry.add(row);
  }
  /** Time passes, in which only the second thread gives signs of life. */
  const pass = (ms: number): void => {
    board.row(1).beat(-1);
    clock.now += ms;
    its.look(clock.now);
  };
  const cleared = (): boolean => said.some(({ type }) => type === 'thread-cleared');
  const now = { board, cleared, clock, counters, events, its, left, movedSome, pass, said, steps, table };
  return { ...now, lowered: () => lowered };
}

describe('the clients of a blocked thread', () => {
  it('move in steps of 2 ms; the acceptor does not sleep between them', () => {
    const { clock, its, pass, steps } = supervisor();
    pass(4);
    expect(steps).toEqual([]);
    pass(4);
    expect(steps).toEqual([{ thread: 0, cause: 'blocked', until: 2 }]);
    expect(its.timeout(clock.now)).toBe(0);
    pass(0);
    expect([steps.length, its.timeout(clock.now)]).toEqual([2, 0]);
    pass(0);
    expect(steps).toHaveLength(3);
    expect(its.timeout(clock.now)).toBeGreaterThan(0);
  });

  it('are looked at again 10 ms after the last step, not sooner', () => {
    const { pass, steps } = supervisor();
    pass(4);
    for (let step = 0; step < 3; step++) pass(step === 0 ? 4 : 0);
    pass(9);
    expect(steps).toHaveLength(3);
    pass(1);
    expect(steps).toHaveLength(4);
  });

  it('are left where they are when it goes on', () => {
    const { board, clock, its, pass, steps } = supervisor();
    pass(4);
    pass(4);
    board.row(0).beat(-1);
    pass(0);
    expect(steps).toHaveLength(1);
    expect(its.timeout(clock.now)).toBeGreaterThan(0);
  });
});

describe('a thread that is blocked for long', () => {
  it('gets a smaller share of the CPU, while another takes its clients', () => {
    const { lowered, pass } = supervisor();
    pass(4);
    pass(15);
    expect(lowered()).toBe(0);
    pass(6);
    expect(lowered()).toBe(1);
  });

  it('keeps its share while its clients have nowhere to go: they would only wait for longer', () => {
    const { board, clock, its, lowered } = supervisor();
    for (let looks = 0; looks < 20; looks++) its.look((clock.now += 4));
    expect(lowered()).toBe(0);
    board.row(1).beat(-1);
    its.look(++clock.now);
    its.look(++clock.now);
    expect(lowered()).toBe(1);
  });

  it('gets a smaller share if it has no other client', () => {
    const { board, clock, its, lowered } = supervisor();
    for (const row of board.rows) row.addClients(-1);
    for (let looks = 0; looks < 20; looks++) its.look((clock.now += 4));
    expect(lowered()).toBe(2);
  });

  it('keeps its share as long as it has used hardly any CPU: a thread that serves may be kept waiting for as long', () => {
    const { lowered, pass } = supervisor({ share: 0.1 });
    for (let ms = 0; ms < 40; ms += 2) pass(2);
    expect(lowered()).toBe(0);
    for (let ms = 0; ms < 40; ms += 2) pass(2);
    expect(lowered()).toBe(1);
  });
});

describe('the clients of a thread that was blocked for long and is free', () => {
  it('move to one that was not, and need not wait until clients are evened out', () => {
    const { board, clock, movedSome, pass } = supervisor({ balances: true });
    for (let ms = 0; ms < 40; ms += 2) pass(2);
    board.row(0).beat(-1);
    const free = clock.now;
    for (let ms = 0; ms < 12; ms += 2) pass(2);
    expect(movedSome).toContainEqual(
      expect.objectContaining({ thread: 0, cause: 'balance', at: expect.toSatisfy((at) => at - free <= 12) }),
    );
    expect(movedSome.map(({ thread }) => thread)).not.toContain(1);
  });
});

describe('the record of a block', () => {
  it('says since when the thread is blocked, for how long it was, and how soon its clients had left', () => {
    const { board, counters, pass } = supervisor();
    pass(4);
    expect(board.row(0).blockedSince).toBe(0);
    for (let step = 0; step < 3; step++) pass(step === 0 ? 4 : 1);
    expect(board.row(0).blockedSince).not.toBe(0);
    expect([counters.relief[bucketOf(10_000)], sum(counters.blocks.other)]).toEqual([1, 0]);
    pass(90);
    board.row(0).beat(-1);
    pass(0);
    expect(board.row(0).blockedSince).toBe(0);
    expect([sum(counters.relief), counters.blocks.other[bucketOf(100_000)], sum(counters.blocks.client)]).toEqual([
      1, 1, 0,
    ]);
  });

  it('names the client that the thread was serving, once in 10 s', () => {
    const { board, counters, events, pass, table } = supervisor();
    const block = (): void => {
      board.row(0).beat(0);
      pass(0);
      for (let ms = 0; ms < 600; ms += 6) pass(6);
      board.row(0).beat(-1);
      pass(0);
    };
    table.take(0, table.word(0));
    for (let times = 0; times < 3; times++) block();
    pass(10_000);
    board.row(0).beat(-1);
    pass(0);
    block();
    const turns = events.filter(({ type }) => type === 'turn');
    const begun = events.filter(({ type }) => type === 'thread-blocked');
    expect(begun).toEqual(turns.map(() => expect.objectContaining({ thread: 1, client: 1, blockedMs: 300 })));
    expect(events.indexOf(begun[0] as never)).toBeLessThan(events.indexOf(turns[0] as never));
    expect(turns).toEqual([
      expect.objectContaining({ thread: 1, client: 1, address: '127.0.0.1', port: 1 }),
      expect.objectContaining({ hidden: 2 }),
    ]);
    expect(sum(counters.blocks.client)).toBeGreaterThanOrEqual(4);
  });
});

describe('the clients of a thread that is gone', () => {
  it('move in steps as well; its number is free after the last', () => {
    const { cleared, clock, its, pass, steps } = supervisor();
    its.threadGone(0);
    expect([steps, its.timeout(clock.now)]).toEqual([[{ thread: 0, cause: 'thread-exit', until: 2 }], 0]);
    pass(0);
    expect([steps.length, its.timeout(clock.now), cleared()]).toEqual([2, 0, false]);
    pass(0);
    expect([steps.length, cleared()]).toEqual([3, true]);
  });

  it('are looked at again if some were left, for which there was no thread while it was blocked', () => {
    const { cleared, clock, its, left, pass, steps } = supervisor();
    left.times = 1;
    its.threadGone(0);
    for (let step = 0; step < 2; step++) pass(0);
    expect([steps.length, its.timeout(clock.now), cleared()]).toEqual([3, 0, false]);
    for (let step = 0; step < 3; step++) pass(0);
    expect([steps.length, cleared()]).toEqual([6, true]);
  });
});

describe('a newcomer', () => {
  it('that was accepted while it could wait for a thread waits for one, also where there is none a moment later', () => {
    const row = ThreadBoard.create(1).waitingRoom;
    const { its } = supervisor({ room: { row, isForNewcomer: () => false, collect: () => {} } as never });
    expect(its.roomFor(ADDRESS)).toBe(undefined);
    for (const thread of [0, 1]) its.threadGone(thread, true);
    expect(its.roomFor(ADDRESS)).toBe(row);
  });
});

describe('clients that are for the waiting room', () => {
  it('stay on their thread when the others are evened out: else it would lose them, and no thread would get them', () => {
    const room = { row: ThreadBoard.create(1).waitingRoom, isFor: (fd: number) => fd === 0, look: () => {} } as never;
    const { board, movedSome, pass } = supervisor({ balances: true, room });
    board.row(0).addClients(10);
    for (let ms = 0; ms < 400; ms += 4) {
      board.row(0).beat(-1);
      pass(4);
    }
    expect(movedSome[0]).toMatchObject({ thread: 0, cause: 'balance', to: [undefined, 1] });
  });
});

describe('a thread that is ending', () => {
  it('is not blocked by the client that has ended it, and its other clients move at once', () => {
    const { board, events, pass, steps, table } = supervisor({ threads: 3 });
    table.take(0, table.word(0));
    board.row(0).beat(0);
    pass(0);
    board.row(0).state = ENDING;
    board.row(0).addClients(1);
    pass(600);
    expect([steps[0], board.row(0).blockedSince]).toEqual([{ thread: 0, cause: 'thread-exit', until: 2 }, 0]);
    expect(events.filter((event) => 'thread' in event && event.thread === 1)).toEqual([]);
  });

  it('makes newcomers wait only if no thread is left but the one for light clients', () => {
    for (const [threads, isCareful] of [
      [3, false],
      [2, true],
    ] as const) {
      const { board, its, pass } = supervisor({ threads });
      board.row(0).state = ENDING;
      pass(1);
      expect(its.isCareful()).toBe(isCareful);
    }
  });
});

describe('a parked thread with pinned clients', () => {
  it('is woken twice a second: nothing else tells that a socket of Node’s blocks it', () => {
    const { board, clock, its, pass } = supervisor();
    const row = board.row(0);
    row.state = PARKED;
    row.pins = true;
    board.row(1).state = PARKED;
    const { count } = row.waker;
    pass(1000);
    expect(row.waker.count).not.toBe(count);
    expect(its.timeout(clock.now)).toBeLessThanOrEqual(100); // It has yet to answer.
    row.beat(-1);
    pass(0);
    expect(its.timeout(clock.now)).toBe(500);
  });

  it('is left alone where its clients can move: epoll tells of them', () => {
    const { board, pass } = supervisor();
    const row = board.row(0);
    row.state = PARKED;
    const { count } = row.waker;
    pass(1000);
    expect(row.waker.count).toBe(count);
  });
});

describe('the clients of a thread that is replaced', () => {
  it('are asked to leave', () => {
    const { board, its, said } = supervisor();
    const { flow } = board.row(0);
    its.retire(0);
    expect(said).toEqual([{ type: 'thread-retires', thread: 0, flow }]);
  });

  it('keep their thread until the last bytes of the last one are out', () => {
    const { board, its, pass, said } = supervisor();
    const row = board.row(0);
    row.addClosing(1);
    row.addClients(-row.clients);
    its.retire(0);
    pass(1);
    expect(said).not.toContainEqual({ type: 'thread-empty', thread: 0 });
    row.addClosing(-1);
    pass(1);
    expect(said).toContainEqual({ type: 'thread-empty', thread: 0 });
  });

  it('move in steps, one after the other', () => {
    const { clock, its, pass, steps } = supervisor();
    its.retire(0);
    pass(1);
    expect([steps, its.timeout(clock.now)]).toEqual([[{ thread: 0, cause: 'reload', until: 2 }], 0]);
  });
});
