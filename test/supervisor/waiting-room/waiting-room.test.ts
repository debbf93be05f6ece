import { describe, expect, it } from 'vitest';
import { Migrator } from '../../../src/supervisor/migrate.ts';
import { placementFor } from '../../../src/supervisor/placement.ts';
import { ThreadRegistry } from '../../../src/supervisor/thread-registry.ts';
import { WaitingRoom } from '../../../src/supervisor/waiting-room/waiting-room.ts';
import { Closer } from '../../../src/connection/end/close.ts';
import { parseAddress } from '../../../src/ip-address.ts';
import { Poller } from '../../../src/reactor/poller.ts';
import { AcceptorCounters } from '../../../src/sharing/acceptor-counters.ts';
import { Arena } from '../../../src/sharing/arena.ts';
import { BLOCKING, type ClientKind, COMPUTING, LIGHT, NEWCOMER } from '../../../src/sharing/client-kind.ts';
import { sharedTime } from '../../../src/sharing/clock.ts';
import { ConnectionTable, WORK_LEFT } from '../../../src/sharing/connection-table.ts';
import { IDLE, stateOf, threadOf } from '../../../src/sharing/control-word.ts';
import { ThreadBoard, type ThreadRow } from '../../../src/sharing/thread-board.ts';
import { giveBack } from '../../../src/thread/give-back.ts';
import { owned, pair, sys, write } from '../../support/loopback.ts';
import { playClock } from '../../support/played-clock.ts';
import { startRows } from '../../support/thread-rows.ts';

/** Threads that are parked, and the room; real sockets and epoll sets, a clock that stands still. */
function room(threads: number, max = threads) {
  const clock = playClock();
  const table = ConnectionTable.create(4096);
  const board = ThreadBoard.create(threads);
  const rows = startRows(board);
  const closer = new Closer(sys, table, Arena.create(1 << 16), undefined, board.waitingRoom);
  const migrator = new Migrator(sys, table, new AcceptorCounters(), closer, board);
  const registry = new ThreadRegistry(sys, { min: 1, max, clientsPerThread: Infinity, moveAfter: 5, hasRoom: true });
  for (const row of rows) registry.add(row);
  const placement = placementFor('least-clients', () => 0);
  const poller = new Poller(sys, owned(sys.epollCreate()), 16);
  const its = new WaitingRoom({ poller, board, table, registry, migrator, placement });
  const buffer = sys.allocate(16);
  let id = 0;
  /** A client on thread `on`, or in the room. */
  const client = async (kind: ClientKind, on: ThreadRow = its.row, address = '192.0.2.1') => {
    const { fd, client: socket } = await pair();
    const generation = table.admit(fd, on.thread, ++id, parseAddress(address) as Uint8Array, 1, 0);
    table.setKind(fd, kind);
    if (kind === COMPUTING || kind === BLOCKING) table.setCost(fd, 100_000, sharedTime(clock.now), 100_000);
    on.clientCame();
    migrator.place(fd, generation, on);
    return { fd, say: () => write(socket, 'x'), reset: () => socket.resetAndDestroy() };
  };
  const look = (): void => {
    its.takeEvents(clock.now);
    registry.changed();
    its.look(clock.now);
  };
  const threadOfClient = (fd: number): number => threadOf(table.word(fd));
  /** What its thread does with the client of `fd` when it has served one message. */
  const serve = (fd: number): void => {
    const word = table.word(fd);
    table.takeReady(fd, word);
    sys.recv(fd, buffer, 0, buffer.size);
    giveBack({ sys, table, row: board.row(threadOf(word)), room: its.row }, fd, word);
  };
  return { board, client, clock, its, look, registry, rows, serve, table, threadOfClient };
}

/** Sends what the kernel takes: then there is no room to send, for epoll. */
function fill(fd: number): void {
  const bytes = sys.allocate(1 << 16);
  while (sys.send(fd, bytes, 0, bytes.size) > 0);
}

describe('an expensive client', () => {
  it('waits in the room until it says something, then has a thread for itself, and comes back', async () => {
    const on = room(3);
    const light = await on.client(LIGHT, on.rows[0]);
    const { fd, say } = await on.client(COMPUTING);
    on.look();
    expect(on.threadOfClient(fd)).toBe(on.its.row.thread);
    await say();
    on.look();
    const thread = on.threadOfClient(fd);
    expect([thread === on.its.row.thread, thread === on.threadOfClient(light.fd)]).toEqual([false, false]);
    expect(on.registry.find(on.board.row(thread))?.servesExpensive).toBe(true);
    on.serve(fd);
    on.look();
    expect([on.threadOfClient(fd), stateOf(on.table.word(fd))]).toEqual([on.its.row.thread, IDLE]);
    expect(on.registry.find(on.board.row(thread))?.servesExpensive).toBe(false);
    expect([on.board.row(thread).clients, on.its.row.clients]).toEqual([0, 1]);
  });

  it('is counted with its thread until the acceptor has heard that it was given back', async () => {
    const on = room(2);
    const { fd, say } = await on.client(COMPUTING);
    await say();
    on.look();
    const row = on.board.row(on.threadOfClient(fd));
    on.serve(fd);
    expect([row.clients, on.its.row.clients, on.board.clients]).toEqual([1, 0, 1]);
    on.its.collect(row, on.clock.now);
    expect([row.clients, on.its.row.clients, on.board.clients]).toEqual([0, 1, 1]);
  });

  it('has its next turn though it says nothing more, when work is left', async () => {
    const on = room(2);
    const { fd, say } = await on.client(COMPUTING);
    await say();
    on.look();
    on.table.setFlags(fd, WORK_LEFT);
    on.serve(fd);
    on.look();
    expect(on.threadOfClient(fd)).not.toBe(on.its.row.thread);
  });

  it('goes on when it is asked to, though no event says that there is room to send, and its thread looks at it', async () => {
    const on = room(2);
    const { fd, say } = await on.client(COMPUTING);
    await say();
    on.look();
    on.table.setFlags(fd, WORK_LEFT);
    fill(fd);
    on.table.setWriteStalledAt(fd, sharedTime(on.clock.now));
    on.serve(fd);
    on.look();
    expect(on.threadOfClient(fd)).toBe(on.its.row.thread);
    on.its.goOn(fd, on.table.word(fd), on.clock.now);
    on.look();
    const thread = on.threadOfClient(fd);
    expect([thread === on.its.row.thread, on.board.row(thread).expired]).toEqual([false, true]);
  });

  it('is not asked to go on that has no work left, or whose reply waits', async () => {
    const on = room(2);
    const { fd } = await on.client(COMPUTING);
    on.look();
    on.its.goOn(fd, on.table.word(fd), on.clock.now);
    on.table.save(fd, undefined, 0, { block: 64, capacity: 64, start: 0, end: 1 });
    on.table.setFlags(fd, WORK_LEFT);
    on.its.goOn(fd, on.table.word(fd), on.clock.now);
    on.look();
    expect(on.threadOfClient(fd)).toBe(on.its.row.thread);
  });

  it('reads, if there is room to send', async () => {
    const on = room(2);
    const { fd, say } = await on.client(COMPUTING);
    await say();
    on.look();
    on.table.setFlags(fd, WORK_LEFT);
    on.table.setWriteStalledAt(fd, sharedTime(on.clock.now));
    on.serve(fd);
    on.its.takeEvents(on.clock.now);
    expect(on.table.writeStalledAt(fd)).toBe(0);
  });

  it('makes light clients of its thread go elsewhere first', async () => {
    const on = room(2);
    const lights = [await on.client(LIGHT, on.rows[0]), await on.client(LIGHT, on.rows[1])];
    const { fd, say } = await on.client(COMPUTING);
    await say();
    on.look();
    const threads = lights.map((light) => on.threadOfClient(light.fd));
    expect(threads).toEqual([1 - on.threadOfClient(fd), 1 - on.threadOfClient(fd)]);
  });

  it('never gets the thread that is kept for light clients', async () => {
    const on = room(2);
    await on.client(LIGHT, on.rows[0]);
    const expensive = [await on.client(BLOCKING), await on.client(BLOCKING)];
    for (const { say } of expensive) await say();
    on.look();
    const waiting = expensive.filter(({ fd }) => on.threadOfClient(fd) === on.its.row.thread);
    expect(waiting).toHaveLength(1);
    expect(on.registry.light?.servesExpensive).toBe(false);
  });

  it('computes beside as many others as keep the CPUs busy, and one; those whose threads wait need no CPU', async () => {
    const on = room(16);
    const { cpus } = on.registry;
    const computing = await Promise.all(Array.from({ length: cpus + 4 }, () => on.client(COMPUTING)));
    const blocking = await Promise.all(Array.from({ length: 4 }, () => on.client(BLOCKING)));
    for (const { say } of [...computing, ...blocking]) await say();
    on.look();
    const served = (clients: readonly { fd: number }[]): number =>
      clients.filter(({ fd }) => on.threadOfClient(fd) !== on.its.row.thread).length;
    expect(served(computing)).toBeLessThanOrEqual(cpus + 1);
    expect(served(computing) + served(blocking)).toBeGreaterThan(cpus + 1);
  });

  it('is light again, and like any other, when it has cost next to nothing for a while', async () => {
    const on = room(2);
    const { fd, say } = await on.client(COMPUTING);
    on.clock.now += 60_000;
    await say();
    on.look();
    expect([on.table.kind(fd), on.threadOfClient(fd) === on.its.row.thread]).toEqual([LIGHT, false]);
    expect(on.registry.watches.some(({ servesExpensive }) => servesExpensive)).toBe(false);
  });

  it('that has let a deadline pass is sent to a thread that closes it, unless it waits for a thread', async () => {
    const on = room(2);
    const [idle, waits] = [await on.client(COMPUTING), await on.client(COMPUTING)];
    await waits.say();
    on.its.takeEvents(on.clock.now);
    expect(on.its.sendExpired(waits.fd, on.table.word(waits.fd), 'idle-timeout')).toBeUndefined();
    const row = on.its.sendExpired(idle.fd, on.table.word(idle.fd), 'idle-timeout');
    expect(row?.thread).toBe(on.threadOfClient(idle.fd));
    expect(on.its.sendExpired(waits.fd, on.table.word(waits.fd), 'over-limit')).toBeDefined();
  });

  it('that was reset does not wait for its turn', async () => {
    const on = room(1);
    const { fd, reset } = await on.client(COMPUTING);
    reset();
    await expect.poll(() => (on.its.takeEvents(on.clock.now), on.threadOfClient(fd))).toBe(0);
  });
});

describe('newcomers, while one of them blocks a thread', () => {
  it('are tried on threads where nobody is known to be light; after the careful time all may go anywhere', async () => {
    const on = room(3);
    await on.client(LIGHT, on.rows[0]);
    on.registry.surprise(on.clock.now);
    const newcomers = await Promise.all(Array.from({ length: 40 }, () => on.client(NEWCOMER)));
    for (const { say } of newcomers) await say();
    on.look();
    const where = newcomers.map(({ fd }) => on.threadOfClient(fd));
    expect(where).not.toContain(0);
    expect(on.registry.watches.filter(({ isTrying }) => isTrying).length).toBeGreaterThan(0);
  });

  it('from an address whose clients were expensive wait while enough threads compute; others do not', async () => {
    const on = room(16);
    on.registry.surprise(on.clock.now);
    const blamed = '198.51.100.7';
    const burner = await on.client(COMPUTING, on.rows[0], blamed);
    const watch = on.registry.find(on.rows[0] as ThreadRow);
    Object.assign(watch ?? {}, { lastBlock: { cpu: 900, wall: 900, waited: false } });
    if (watch !== undefined) on.its.charge(burner.fd, watch, on.clock.now);
    for (const { row } of on.registry.watches.slice(0, 2 * on.registry.cpus + 1)) {
      Object.assign(on.registry.find(row) ?? {}, { blockedSince: on.clock.now });
    }
    const theirs = await on.client(NEWCOMER, on.its.row, blamed);
    const ours = await on.client(NEWCOMER, on.its.row, '203.0.113.5');
    for (const { say } of [theirs, ours]) await say();
    on.look();
    expect([on.threadOfClient(theirs.fd), on.threadOfClient(ours.fd) === on.its.row.thread]).toEqual([
      on.its.row.thread,
      false,
    ]);
    on.clock.now += 1000; // These threads may never come back.
    on.look();
    expect(on.threadOfClient(theirs.fd)).not.toBe(on.its.row.thread);
  });
});

describe('a server that leaves', () => {
  it('empties the room: the same number of clients to each thread', async () => {
    const on = room(3);
    const clients = await Promise.all(Array.from({ length: 6 }, () => on.client(COMPUTING)));
    on.its.empty();
    expect(on.rows.map((row) => row.clients)).toEqual([2, 2, 2]);
    expect(clients.map(({ fd }) => on.threadOfClient(fd))).not.toContain(on.its.row.thread);
  });
});
