import { describe, expect, it, onTestFinished } from 'vitest';
import { Poller } from '../../src/reactor/poller.ts';
import { Reactor, type Turns } from '../../src/reactor/reactor.ts';
import { SleepTimer } from '../../src/reactor/sleep-timer.ts';
import { ABSENT, PARKED, RUNNING, ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { EPOLLIN } from '../../src/sys/constants.ts';
import { EINVAL } from '../../src/sys/errno.ts';
import { type FlakySys, flakySys, type Script } from '../support/flaky-sys.ts';
import type { EpollEvents } from '../../src/sys/sys.ts';
import { owned, sys, until } from '../support/loopback.ts';

/** A reactor on a real epoll set, with a record of what it did: each wait with its timeout, and each call of `Turns`. */
class Bench implements Turns {
  readonly looks = { found() {}, foundNothing() {}, woken() {} };
  readonly row: ThreadRow = ThreadBoard.create(1).row(0);
  readonly log: (string | number)[][] = [];
  readonly poller: Poller;
  readonly reactor: Reactor;
  awaiting = false;
  /** When the last event was done with. Never before the end of a turn: each turn looks once. */
  time = Infinity;
  /** When the watchdog was told that the thread has taken a turn. */
  readonly puttingsOff: number[] = [];
  closeExpired = (): void => void this.log.push(['closeOverdue']);
  onArm = (): void => {};
  /** So many turns find that something was served in Node's event loop. */
  servedByNode = 0;
  onServe = (fd: number): void => void sys.eventfdClear(fd);
  readonly #flaky: FlakySys;

  constructor(settings: { sleepTimer?: boolean; script?: Script } = {}) {
    this.#flaky = flakySys(sys, settings.script);
    this.poller = new Poller(this.#flaky.sys, owned(sys.epollCreate()), 8);
    const putOff = (now: number): void => void this.puttingsOff.push(now);
    const timer = settings.sleepTimer
      ? SleepTimer.watch(this.#flaky.sys, this.poller, owned(sys.timerfd()))
      : undefined;
    const arm = (): void => this.#arm();
    this.reactor = new Reactor({
      poller: this.poller,
      row: this.row,
      turns: this,
      arm,
      watchdog: { putOff },
      sleepTimer: timer,
    });
    onTestFinished(() => this.reactor.stop());
  }

  /** The timeouts of all waits so far. */
  get waits(): unknown[] {
    return this.#flaky.calls('epollWait').map(([, , timeout]) => timeout);
  }

  /** For how long the sleep timer was started, each time; 0: it was stopped. */
  get timers(): unknown[] {
    return this.#flaky.calls('timerfdSet').map(([, milliseconds]) => milliseconds);
  }

  get armed(): number {
    return this.log.filter(([name]) => name === 'arm').length;
  }

  /** The fds that were served, in order. */
  get served(): unknown[] {
    return this.log.filter(([name]) => name === 'serve').map(([, fd]) => fd);
  }

  /** An fd that the reactor watches. */
  watch(generation: number): number {
    const fd = owned(sys.eventfd());
    this.poller.add(fd, EPOLLIN, fd, generation);
    return fd;
  }

  begin(): void {
    this.log.push(['begin']);
  }

  expect(_events: EpollEvents, count: number): void {
    this.log.push(['expect', count]);
  }

  serve(fd: number, generation: number, mask: number): void {
    this.log.push(['serve', fd, generation, mask]);
    this.onServe(fd);
  }

  hasServed(): boolean {
    return this.servedByNode > 0 && this.servedByNode-- > 0;
  }

  awaitsNode(): boolean {
    return this.awaiting;
  }

  #arm(): void {
    this.log.push(['arm', this.row.state]);
    this.onArm();
  }
}

describe('Reactor', () => {
  it('serves all that are ready in one turn, after begin, with the generation as it was given', async () => {
    const bench = new Bench();
    const [one, other] = [bench.watch(-7), bench.watch(7)];
    sys.eventfdSignal(one);
    sys.eventfdSignal(other);
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(bench.log).toEqual([['begin'], ['serve', one, -7, EPOLLIN], ['serve', other, 7, EPOLLIN], ['arm', PARKED]]);
  });

  it('says beforehand that many are ready, when it has as many as it takes at once', async () => {
    const bench = new Bench();
    const fds = Array.from({ length: 9 }, (_, index) => bench.watch(index + 1));
    for (const fd of fds) sys.eventfdSignal(fd);
    bench.reactor.start();
    await until(() => bench.armed === 1);
    const serves = Array.from({ length: 8 }, () => 'serve');
    const names = bench.log.map(([name]) => name);
    expect(names).toEqual(['begin', 'expect', ...serves, 'begin', 'serve', 'arm']);
  });

  it('tells the watchdog at the beginning of each turn, before it serves anybody', async () => {
    const bench = new Bench();
    sys.eventfdSignal(bench.watch(1));
    bench.onServe = (fd) => {
      expect(bench.puttingsOff).toEqual([Infinity]);
      sys.eventfdClear(fd);
    };
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(bench.puttingsOff.length).toBe(bench.row.heartbeat);
  });

  it('lets Node’s event loop run between two turns', async () => {
    const bench = new Bench();
    const fd = bench.watch(1);
    let between = 0;
    let served = 0;
    bench.onServe = () => {
      served++;
      expect(between).toBe(served - 1);
      setImmediate(() => between++);
      if (served === 5) sys.eventfdClear(fd);
    };
    sys.eventfdSignal(fd);
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(served).toBe(5);
  });

  it('goes on within a turn while its time lasts, unless something waits for Node', async () => {
    for (const awaiting of [false, true]) {
      const bench = new Bench();
      const fd = bench.watch(1);
      bench.time = 0;
      bench.awaiting = awaiting;
      let served = 0;
      bench.onServe = () => void (++served === 3 && sys.eventfdClear(fd));
      sys.eventfdSignal(fd);
      bench.reactor.start();
      await new Promise(setImmediate);
      expect(served).toBe(awaiting ? 1 : 3);
    }
  });

  it('runs from start on, and parks after some turns without work', async () => {
    const bench = new Bench();
    bench.reactor.start();
    expect(bench.row.state).toBe(RUNNING);
    await until(() => bench.armed === 1);
    expect(bench.waits.length).toBeGreaterThan(1);
    expect(bench.row.state).toBe(PARKED);
    expect(bench.log).toEqual([['arm', PARKED]]);
  });

  it('does not park while something is served in Node’s event loop', async () => {
    const bench = new Bench();
    bench.servedByNode = 100;
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(bench.servedByNode).toBe(0);
    expect(bench.waits.length).toBeGreaterThan(100);
  });

  it('arms the watch last: it waits no more until the waker rings', async () => {
    const bench = new Bench();
    let waits = 0;
    bench.onArm = () => {
      waits = bench.waits.length;
    };
    bench.reactor.start();
    await until(() => bench.armed === 1);
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect(bench.waits).toHaveLength(waits);
    expect(bench.row.state).toBe(PARKED);
  });

  it('serves what came while it was parked once the waker rings, and parks again', async () => {
    const bench = new Bench();
    const fd = bench.watch(3);
    bench.reactor.start();
    await until(() => bench.armed === 1);
    sys.eventfdSignal(fd);
    const states: number[] = [];
    bench.onServe = () => {
      states.push(bench.row.state);
      sys.eventfdClear(fd);
    };
    bench.row.waker.wake();
    await until(() => bench.armed === 2);
    expect(states).toEqual([RUNNING]);
    expect(bench.row.state).toBe(PARKED);
  });

  it('does not lose a ring that comes between arming and waiting', async () => {
    const bench = new Bench();
    const fd = bench.watch(3);
    bench.onArm = () => {
      if (bench.armed > 1) return;
      sys.eventfdSignal(fd);
      bench.row.waker.wake();
    };
    bench.reactor.start();
    await until(() => bench.armed === 2);
    expect(bench.log.filter(([name]) => name === 'serve')).toHaveLength(1);
  });

  it('counts turns without work anew after it has served', async () => {
    const bench = new Bench();
    const fd = bench.watch(1);
    bench.reactor.start();
    await until(() => bench.armed === 1);
    const empty = bench.waits.length;
    sys.eventfdSignal(fd);
    bench.row.waker.wake();
    await until(() => bench.armed === 2);
    expect(bench.waits).toHaveLength(2 * empty + 1);
  });

  it('waits at most 1 ms, and not at all while a handler awaits something of Node’s own', async () => {
    const bench = new Bench();
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(new Set(bench.waits)).toEqual(new Set([0, 1]));
    const before = bench.waits.length;
    bench.awaiting = true;
    bench.row.waker.wake();
    await until(() => bench.armed === 2);
    expect(new Set(bench.waits.slice(before))).toEqual(new Set([0]));
  });

  it('does not delay Node’s timers, turning or parked', async () => {
    const bench = new Bench();
    bench.reactor.start();
    const median = async (): Promise<number> => {
      const delays: number[] = [];
      for (let times = 0; times < 10; times++) {
        const due = performance.now() + 5;
        await new Promise((resolve) => setTimeout(resolve, 5));
        delays.push(performance.now() - due);
        if (times % 2 === 0) bench.row.waker.wake();
      }
      return delays.sort((a, b) => a - b)[5] as number;
    };
    // A machine that is busy with something else delays anyone; a wait of ours would delay every try.
    let delay = await median();
    for (let tries = 1; tries < 10 && delay >= 20; tries++) delay = await median();
    expect(delay).toBeLessThan(20);
  });

  it('beats at each turn', async () => {
    const bench = new Bench();
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(bench.row.heartbeat).toBe(bench.puttingsOff.length);
    expect(bench.row.currentFd).toBe(-1);
  });

  it('does not park when somebody has changed its thread’s state', async () => {
    const bench = new Bench();
    bench.reactor.start();
    bench.row.state = ABSENT;
    await until(() => bench.waits.length > 30);
    expect([bench.armed, bench.row.state]).toEqual([0, ABSENT]);
  });

  it('ends when it is stopped, turning or parked', async () => {
    const turning = new Bench();
    turning.reactor.start();
    turning.reactor.stop();
    const parked = new Bench();
    parked.reactor.start();
    await until(() => parked.armed === 1);
    const waits = parked.waits.length;
    parked.reactor.stop();
    parked.row.waker.wake();
    for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
    expect([turning.waits.length, parked.waits.length]).toEqual([0, waits]);
    expect(parked.armed).toBe(1);
  });
});

describe('a reactor with a sleep timer', () => {
  it('is woken by it after 1 ms, starts it once a turn, and stops it before it parks', async () => {
    const bench = new Bench({ sleepTimer: true });
    bench.reactor.start();
    await until(() => bench.armed === 1);
    const turns = bench.puttingsOff.length;
    expect(bench.timers).toEqual([...Array.from({ length: turns }, () => 1), 0]);
    expect(bench.waits).toEqual(Array.from({ length: turns }, () => [0, 4]).flat());
    expect(bench.served).toEqual([]);
    // Nothing in its set would wake the acceptor.
    expect(bench.poller.wait(5)).toBe(0);
  });

  it('sleeps several times in a turn by one timer', async () => {
    const answers = [0, 1, 0, 1, 0, 0];
    const bench = new Bench({ sleepTimer: true, script: { epollWait: answers } });
    bench.time = 0;
    bench.poller.events.set(0, EPOLLIN, 9, 3);
    bench.onServe = () => {};
    bench.reactor.start();
    await new Promise(setImmediate);
    expect([bench.served, bench.waits, bench.timers]).toEqual([[9, 9], [0, 4, 0, 4, 0, 4], [1]]);
  });

  it('serves sockets that are ready when the timer is over, and not the timer', async () => {
    const bench = new Bench({ sleepTimer: true });
    const fd = bench.watch(3);
    let served = 0;
    bench.onServe = () => {
      const end = performance.now() + 2;
      while (performance.now() < end);
      if (++served === 3) sys.eventfdClear(fd);
    };
    sys.eventfdSignal(fd);
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(bench.served).toEqual([fd, fd, fd]);
  });

  it('waits as one without where the timer cannot be started', async () => {
    const bench = new Bench({ sleepTimer: true, script: { timerfdSet: Array.from({ length: 1000 }, () => EINVAL) } });
    bench.reactor.start();
    await until(() => bench.armed === 1);
    expect(new Set(bench.waits)).toEqual(new Set([0, 1]));
  });
});
