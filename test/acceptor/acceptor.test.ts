import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { parseCidr } from '../../src/options/values/cidr.ts';
import { COUNTED, NEW, PROXIED } from '../../src/sharing/connection-table.ts';
import { CLOSING, FREE, IDLE, stateOf, threadOf } from '../../src/sharing/control-word.ts';
import { Watchdog } from '../../src/reactor/watchdog.ts';
import { PARKED, RUNNING } from '../../src/sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from '../../src/sys/errno.ts';
import { AcceptorBench, tryToConnect } from '../support/acceptor-bench.ts';
import type { Step } from '../support/flaky-sys.ts';
import { dial, owned, sys, write } from '../support/loopback.ts';

/** Dials `count` clients, one after another, and has them accepted. */
async function admitted(bench: AcceptorBench, count: number) {
  const clients = [];
  for (let index = 0; index < count; index++) {
    clients.push(await dial(bench.port));
    bench.acceptor.turn();
  }
  return clients;
}

const closesOf = (bench: AcceptorBench) =>
  Object.fromEntries(Object.entries(bench.board.total().closes).filter(([, count]) => count > 0));

/** Two idle clients on thread 0, beside thread 1, which is blocked. */
async function besideHeld(): Promise<AcceptorBench> {
  const bench = new AcceptorBench({ moveAfter: 5 });
  bench.start(0);
  await admitted(bench, 2);
  bench.start(1);
  bench.row(1).state = RUNNING;
  for (let turns = 0; turns < 50 && bench.counters.stalls === 0; turns++) bench.acceptor.turn();
  expect(bench.counters.stalls).toBe(1);
  return bench;
}

describe('accepting', () => {
  it('puts a client to rest on a thread, which hears of its bytes with its generation', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const [client] = await admitted(bench, 1);
    const [fd] = bench.clientsOf(0) as [number];
    const generation = bench.table.word(fd);
    expect([stateOf(generation), threadOf(generation), bench.row(0).clients]).toEqual([IDLE, 0, 1]);
    expect(bench.seen()).toEqual([[], [], []]);
    await write(client!, 'x');
    expect(bench.seen()).toEqual([[{ fd, generation, mask: EPOLLIN }], [], []]);
    expect(bench.table.take(fd, generation)).toBe(true);
  });

  it('keeps the client’s number and address, and reports it', async () => {
    const bench = new AcceptorBench();
    bench.start(0, 1);
    const clients = await admitted(bench, 2);
    const [fd] = bench.clientsOf(1) as [number];
    const { localPort: port } = clients[1]!;
    expect([bench.table.id(fd), bench.table.port(fd), sys.addressText(bench.table.address(fd))]).toEqual([
      2,
      port,
      '127.0.0.1',
    ]);
    expect(bench.events[1]).toMatchObject({ type: 'open', client: 2, address: '127.0.0.1', port, thread: 2 });
    expect(bench.clientsAtEvents).toEqual([1, 2]);
  });

  it('places clients as the placement says', async () => {
    const bench = new AcceptorBench();
    bench.start(0, 1, 2);
    await admitted(bench, 7);
    expect(bench.board.rows.map((row) => row.clients)).toEqual([3, 2, 2]);
  });

  it('accepts all that wait in one turn', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    for (let count = 0; count < 5; count++) await dial(bench.port);
    bench.acceptor.turn();
    expect(bench.row(0).clients).toBe(5);
  });

  it('lets a thread that greets hear of a client that has sent nothing', async () => {
    const bench = new AcceptorBench();
    bench.row(0).speaksFirst = true;
    bench.start(0);
    await admitted(bench, 1);
    expect(bench.seen()[0]).toMatchObject([{ mask: EPOLLOUT }]);
  });

  it('says of a client of a proxy that a PROXY header comes first, and reports it to nobody', async () => {
    const bench = new AcceptorBench();
    bench.proxies.push(parseCidr('127.0.0.0/8')!);
    bench.row(0).speaksFirst = true;
    bench.start(0);
    await admitted(bench, 1);
    const [fd] = bench.clientsOf(0) as [number];
    expect(bench.table.flags(fd)).toBe(NEW | PROXIED);
    expect(bench.typesOfEvents()).not.toContain('open');
    // Nothing to greet before the header: the socket is not watched for room to write.
    expect(bench.seen()).toEqual([[], [], []]);
  });

  it('takes the word of no other client for it', async () => {
    const bench = new AcceptorBench();
    bench.proxies.push(parseCidr('127.0.0.2')!, parseCidr('::/0')!);
    bench.start(0);
    await admitted(bench, 1);
    expect(bench.table.flags(bench.clientsOf(0)[0]!)).toBe(0);
    expect(bench.typesOfEvents()).toContain('open');
  });

  it('lets clients wait in the kernel until there is a thread', async () => {
    const bench = new AcceptorBench();
    await dial(bench.port);
    bench.nudge();
    expect(bench.flaky.calls('accept')).toHaveLength(0);
    bench.start(0);
    bench.acceptor.turn();
    expect(bench.row(0).clients).toBe(1);
  });

  it('closes a client that its thread cannot be told of, once, and serves the next', async () => {
    // Before the client: the mailbox, then the listener, which is removed and added.
    const bench = new AcceptorBench({ script: { epollControl: ['pass', 'pass', 'pass', ENOMEM] } });
    bench.start(0);
    const refused = await dial(bench.port);
    const closed = once(refused.resume(), 'end');
    bench.acceptor.turn();
    await closed;
    expect([bench.row(0).clients, bench.clientsOf(0)]).toEqual([0, []]);
    expect(bench.typesOfEvents()).toEqual(['open', 'close']);
    expect(closesOf(bench)).toEqual({ 'over-limit': 1 });
    await admitted(bench, 1);
    expect(bench.row(0).clients).toBe(1);
  });

  it('watches the listener later when it cannot be watched now', async () => {
    const bench = new AcceptorBench({ script: { epollControl: ['pass', 'pass', ENOMEM] } });
    bench.start(0);
    await dial(bench.port);
    expect(bench.flaky.calls('epollControl')[2]?.[1]).toBe(EPOLL_CTL_ADD);
    while (bench.row(0).clients === 0) bench.acceptor.turn();
    expect(bench.row(0).clients).toBe(1);
  });

  it('closes a client whose fd has no slot', async () => {
    const bench = new AcceptorBench({ capacity: 4 });
    bench.start(0);
    const client = await dial(bench.port);
    const closed = once(client.resume(), 'end');
    bench.acceptor.turn();
    await closed;
    expect(bench.row(0).clients).toBe(0);
  });
});

describe('looking at threads', () => {
  const MOVE_AFTER = 5;

  /** An acceptor with one thread, which is awake and has a timer. */
  function besideAwake(moveAfter = MOVE_AFTER): AcceptorBench {
    const bench = new AcceptorBench({ moveAfter });
    const row = bench.row(0);
    row.timerFd = owned(sys.timerfd());
    bench.start(0);
    row.state = RUNNING;
    return bench;
  }

  /** What each of `count` turns waits for at most, in ms; the thread gives a sign of life before it. */
  function waits(bench: AcceptorBench, count: number): unknown[] {
    const before = bench.flaky.calls('epollWait').length;
    for (let turn = 0; turn < count; turn++) {
      bench.row(0).beat(-1);
      bench.acceptor.turn();
    }
    const calls = bench.flaky.calls('epollWait').slice(before);
    return calls.map(([, , timeout]) => timeout);
  }

  it('is seldom while the timer of one that is awake runs, and every 2 ms while it does not', () => {
    const bench = besideAwake();
    bench.row(0).isGuarded = true;
    expect(waits(bench, 2)).toEqual([100, 100]);
    bench.row(0).isGuarded = false;
    expect(waits(bench, 3)).toEqual([2, 2, 2]);
  });

  it('is seldom where nobody asks whether a thread is blocked', () => {
    expect(waits(besideAwake(Infinity), 2)).toEqual([100, 100]);
  });

  it('is every 2 ms from when the timer has run out, so that a stall is found', () => {
    const bench = besideAwake();
    const row = bench.row(0);
    new Watchdog(sys, row, MOVE_AFTER).putOff(performance.now());
    expect(row.isGuarded).toBe(true);
    for (let turns = 0; turns < 50 && bench.counters.stalls === 0; turns++) bench.acceptor.turn();
    expect([bench.counters.stalls, row.isGuarded]).toEqual([1, false]);
  });

  it('is every 2 ms for a while after one that was long', () => {
    const bench = besideAwake();
    const row = bench.row(0);
    row.isGuarded = true;
    const watch = bench.registry.find(row)!;
    while (!watch.isBlockedLong(performance.now())) bench.acceptor.turn();
    bench.acceptor.turn();
    expect(waits(bench, 3).slice(1)).toEqual([2, 2]);
    watch.lastBlocked -= 10_000;
    expect(waits(bench, 2)).toEqual([100, 100]);
  });

  it('is every 2 ms where the timer cannot be watched, which is closed', () => {
    let fails = false;
    const answers = function* (): Generator<Step> {
      for (;;) yield fails ? ENOMEM : 'pass';
    };
    const bench = new AcceptorBench({ moveAfter: MOVE_AFTER, script: { epollControl: answers() } });
    const row = bench.row(0);
    const timer = sys.timerfd();
    row.timerFd = timer;
    row.state = RUNNING;
    fails = true;
    bench.acceptor.threadReady(0);
    fails = false;
    new Watchdog(sys, row, MOVE_AFTER).putOff(0);
    expect([row.timerFd, row.isGuarded, sys.timerfdSet(timer, 1) < 0]).toEqual([0, false, true]);
    bench.nudge();
    expect(waits(bench, 2)).toEqual([2, 2]);
  });

  it('is needed for one that was woken and has not answered, whatever its timer does', () => {
    const bench = besideAwake();
    const row = bench.row(0);
    row.isGuarded = true;
    row.state = PARKED;
    bench.registry.find(row)?.wake(performance.now());
    bench.acceptor.turn();
    expect(bench.flaky.calls('epollWait').at(-1)?.[2]).toBe(2);
  });
});

describe('a thread that stands still', () => {
  it('is no stall where it has no clients any more: it ends', () => {
    const bench = new AcceptorBench({ moveAfter: 5 });
    bench.start(0, 1);
    bench.acceptor.onMessage({ type: 'thread-retire', threads: [0] });
    bench.row(0).state = RUNNING;
    const isHeld = (thread: number) => bench.registry.find(bench.row(thread))?.isBlocked === true;
    while (!isHeld(0)) bench.acceptor.turn();
    expect(bench.said).toContainEqual({ type: 'thread-empty', thread: 0 });
    expect(bench.counters.stalls).toBe(0);
    bench.row(1).state = RUNNING;
    while (!isHeld(1)) bench.acceptor.turn();
    expect(bench.counters.stalls).toBe(1);
  });
});

describe('a shortage', () => {
  it('pauses accepting, without spinning, and then serves those that waited', async () => {
    const bench = new AcceptorBench({ script: { accept: [EMFILE, EMFILE] } });
    bench.start(0);
    await dial(bench.port);
    await dial(bench.port);
    const start = performance.now();
    const before = bench.flaky.calls('epollWait').length;
    while (bench.row(0).clients < 2) bench.acceptor.turn();
    expect(performance.now() - start).toBeGreaterThanOrEqual(190);
    expect(bench.flaky.calls('epollWait').length - before).toBeLessThan(12);
  });

  it('is reported once a minute for each cause', async () => {
    const bench = new AcceptorBench({ script: { accept: [EMFILE, ENOMEM, EMFILE, ENOMEM, EMFILE] } });
    bench.start(0);
    await dial(bench.port);
    while (bench.row(0).clients < 1) bench.acceptor.turn();
    expect(bench.events.filter(({ type }) => type === 'accept-paused')).toMatchObject([
      { cause: 'EMFILE' },
      { cause: 'ENOMEM' },
    ]);
  });

  it('is counted each time, by what has run out', async () => {
    const bench = new AcceptorBench({ script: { accept: [EMFILE, ENOMEM, ENFILE, ENOBUFS, EMFILE] } });
    bench.start(0);
    await dial(bench.port);
    while (bench.row(0).clients < 1) bench.acceptor.turn();
    expect(bench.counters.pauses).toEqual({ 'no-files': 3, 'no-memory': 2, 'max-clients': 0 });
  });

  it('keeps the clients that were accepted before it, and hears of threads meanwhile', async () => {
    const bench = new AcceptorBench({ script: { accept: ['pass', EMFILE] } });
    bench.start(0);
    const [client] = await admitted(bench, 1);
    expect(bench.row(0).clients).toBe(1);
    await write(client!, 'x');
    bench.arm(0);
    bench.acceptor.turn();
    expect(bench.row(0).waker.count).toBe(1);
    expect(bench.flaky.calls('accept')).toHaveLength(2);
  });
});

describe('waking', () => {
  it('rings a parked thread once for each time that it parks', async () => {
    const bench = new AcceptorBench();
    bench.start(0, 1);
    bench.arm(0);
    bench.arm(1);
    const [client] = await admitted(bench, 1);
    await write(client!, 'x');
    bench.acceptor.turn();
    bench.nudge();
    bench.nudge();
    expect([bench.row(0).waker.count, bench.row(1).waker.count]).toEqual([1, 0]);
  });

  it('rings at once when a socket was ready before the thread parked', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const [client] = await admitted(bench, 1);
    await write(client!, 'x');
    bench.arm(0);
    bench.acceptor.turn();
    expect(bench.row(0).waker.count).toBe(1);
  });

  it('empties its mailbox, so that it can sleep again', () => {
    const bench = new AcceptorBench();
    bench.start(0);
    sys.eventfdSignal(bench.mailboxFd);
    bench.acceptor.turn();
    expect(sys.eventfdClear(bench.mailboxFd)).toBe(EAGAIN);
  });
});

describe('a thread that is gone', () => {
  it('leaves its idle clients to another, which hears of what they send', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const clients = await admitted(bench, 3);
    const before = bench.clientsOf(0).map((fd) => [fd, bench.table.word(fd)] as const);
    bench.start(1);
    await write(clients[0]!, 'x');
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    expect(bench.board.rows.map((row) => row.clients)).toEqual([0, 3, 0]);
    expect(bench.clientsOf(1)).toEqual(before.map(([fd]) => fd));
    for (const [fd, generation] of before) expect(bench.table.take(fd, generation)).toBe(false);
    expect(bench.seen()[1]).toHaveLength(1);
    await write(clients[1]!, 'x');
    expect(bench.seen()[1]).toHaveLength(1);
    expect(closesOf(bench)).toEqual({});
  });

  it('has the clients closed that it was serving or held, each with one reason', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const clients = await admitted(bench, 3);
    bench.start(1);
    const [busy, held, idle] = bench.clientsOf(0) as [number, number, number];
    const generation = bench.table.word(held);
    bench.table.take(busy, bench.table.word(busy));
    bench.table.take(held, generation);
    bench.table.pin(held, generation);
    const ports = new Set([busy, held].map((fd) => bench.table.port(fd)));
    const cut = clients.filter(({ localPort }) => ports.has(localPort as number));
    const ended = cut.map((client) => once(client.resume(), 'end'));
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    await Promise.all(ended);
    expect([busy, held, idle].map((fd) => stateOf(bench.table.word(fd)))).toEqual([FREE, FREE, IDLE]);
    expect(closesOf(bench)).toEqual({ 'thread-exit': 2 });
    expect(bench.events.filter(({ type }) => type === 'close')).toMatchObject([
      { reason: 'thread-exit', thread: 1 },
      { reason: 'thread-exit', thread: 1 },
    ]);
    expect(bench.board.rows.map((row) => row.clients)).toEqual([0, 1, 0]);
  });

  it.each([
    [true, 'thread-exit'],
    [false, 'shutdown'],
  ])('has its clients closed for the end that it found while it retired (it died: %s)', async (hasDied, reason) => {
    const bench = new AcceptorBench();
    bench.start(0);
    await admitted(bench, 1);
    bench.start(1);
    const [fd] = bench.clientsOf(0) as [number];
    bench.table.take(fd, bench.table.word(fd));
    bench.acceptor.onMessage({ type: 'thread-retire', threads: [0] });
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0, hasDied });
    expect(closesOf(bench)).toEqual({ [reason]: 1 });
  });

  it('has a client closed that it had begun to close', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const [client] = await admitted(bench, 1);
    bench.start(1);
    const [fd] = bench.clientsOf(0) as [number];
    const generation = bench.table.word(fd);
    bench.table.take(fd, generation);
    bench.table.closing(fd, generation);
    expect(stateOf(bench.table.word(fd))).toBe(CLOSING);
    const ended = once(client!.resume(), 'end');
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    await ended;
    expect(stateOf(bench.table.word(fd))).toBe(FREE);
    expect(Object.values(closesOf(bench))).toEqual([1]);
  });

  it('does not have a close counted again that it had counted', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const [client] = await admitted(bench, 1);
    const [fd] = bench.clientsOf(0) as [number];
    const generation = bench.table.word(fd);
    bench.table.take(fd, generation);
    bench.row(0).countClose('client-finished');
    bench.table.setFlags(fd, COUNTED);
    bench.table.closing(fd, generation);
    const ended = once(client!.resume(), 'end');
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    await ended;
    expect(closesOf(bench)).toEqual({ 'client-finished': 1 });
    expect(bench.typesOfEvents()).toEqual(['open']);
  });

  it('has its epoll set closed, and gets no more clients', async () => {
    const bench = new AcceptorBench();
    bench.start(0, 1);
    const { epollFd } = bench.row(0);
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    expect(bench.flaky.calls('close')).toEqual([[epollFd]]);
    expect([bench.row(0).epollFd, bench.row(0).state]).toEqual([0, 0]);
    await admitted(bench, 3);
    expect(bench.board.rows.map((row) => row.clients)).toEqual([0, 3, 0]);
    expect(bench.said).toContainEqual({ type: 'thread-cleared', thread: 0 });
  });

  it('leaves its idle clients open when the only other thread is blocked', async () => {
    const bench = await besideHeld();
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    expect(closesOf(bench)).toEqual({});
  });

  it('was the last: its idle clients wait for the next thread, and are heard there', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const [client] = await admitted(bench, 1);
    const { epollFd } = bench.row(0);
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    await write(client!, 'x');
    expect(closesOf(bench)).toEqual({});
    expect(bench.said).toEqual([]);
    bench.start(1);
    expect(bench.board.rows.map((row) => row.clients)).toEqual([0, 1, 0]);
    expect(bench.seen()[1]).toHaveLength(1);
    expect(bench.said).toContainEqual({ type: 'thread-cleared', thread: 0 });
    expect(bench.flaky.calls('close')).toEqual([[epollFd]]);
  });

  it('leaves its idle clients to a thread that was blocked, once it is free', async () => {
    const bench = await besideHeld();
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    expect(bench.row(1).clients).toBe(0);
    bench.row(1).beat(-1);
    bench.row(1).state = PARKED;
    for (let turns = 0; turns < 3; turns++) bench.nudge();
    expect(bench.board.rows.map((row) => row.clients)).toEqual([0, 2, 0]);
  });

  it('was the last: new clients wait in the kernel for the next', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    bench.nudge();
    await dial(bench.port);
    bench.nudge();
    expect(bench.flaky.calls('accept')).toHaveLength(0);
    bench.start(0);
    bench.acceptor.turn();
    expect(bench.row(0).clients).toBe(1);
  });
});

describe('drain', () => {
  it('accepts the clients that wait before it closes the listener', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    await dial(bench.port);
    await dial(bench.port);
    bench.leave();
    expect(bench.row(0).clients).toBe(2);
    expect(bench.said).toContainEqual({ type: 'drained' });
    expect(await tryToConnect(bench.port)).toBe('ECONNREFUSED');
    // They are to be drained, so their thread hears of them though they have sent nothing.
    expect(bench.seen()[0]).toMatchObject([{ mask: EPOLLOUT }, { mask: EPOLLOUT }]);
  });

  it('accepts those that wait although every thread is blocked: who is not accepted would be refused', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    Object.assign(bench.registry.find(bench.row(0)) ?? {}, { blockedSince: performance.now() });
    await dial(bench.port);
    bench.nudge();
    expect(bench.row(0).clients).toBe(0);
    bench.leave();
    expect(bench.row(0).clients).toBe(1);
  });

  it('ends a pause: it does not listen again', async () => {
    const bench = new AcceptorBench({ script: { accept: [EMFILE] } });
    bench.start(0);
    await dial(bench.port);
    bench.acceptor.turn();
    bench.leave();
    expect(bench.row(0).clients).toBe(1);
    vi.useFakeTimers({ toFake: ['performance'], now: performance.now() + 1000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(() => bench.nudge()).not.toThrow();
    expect(bench.flaky.calls('accept')).toHaveLength(3);
  });

  it('leaves the idle clients of a thread that is gone to one that was blocked, once it is free', async () => {
    const bench = await besideHeld();
    bench.leave();
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    expect(bench.row(1).clients).toBe(0);
    bench.row(1).beat(-1);
    bench.row(1).state = PARKED;
    for (let turns = 0; turns < 3; turns++) bench.acceptor.turn();
    expect(bench.board.rows.map((row) => row.clients)).toEqual([0, 2, 0]);
    expect(closesOf(bench)).toEqual({});
  });

  it('closes the idle clients of a thread that is gone when the last one is gone too', async () => {
    const bench = await besideHeld();
    bench.leave();
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 0 });
    expect(closesOf(bench)).toEqual({});
    bench.acceptor.onMessage({ type: 'thread-gone', thread: 1 });
    sys.eventfdSignal(bench.mailboxFd);
    bench.acceptor.turn();
    expect(closesOf(bench)).toEqual({ 'thread-exit': 2 });
    expect(bench.said).toContainEqual({ type: 'thread-cleared', thread: 0 });
  });

  it('still wakes threads', async () => {
    const bench = new AcceptorBench();
    bench.start(0);
    const [client] = await admitted(bench, 1);
    bench.leave();
    bench.arm(0);
    await write(client!, 'x');
    bench.acceptor.turn();
    expect(bench.row(0).waker.count).toBe(1);
  });
});
