/** A service thread whose turns are taken apart: what a Reactor does in one turn, a schedule does step by step. */
import { TIMELESS } from './timeless.ts';
import type { Service } from '../../src/connection/service.ts';
import { createFraming } from '../../src/framing/framing.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import { Poller } from '../../src/reactor/poller.ts';
import type { Arena } from '../../src/sharing/arena.ts';
import type { MemoryAccount } from '../../src/sharing/memory-account.ts';
import type { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { PARKED, RUNNING, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLLIN, EPOLLONESHOT } from '../../src/sys/constants.ts';
import { giveBack } from '../../src/thread/give-back.ts';
import { ThreadClients } from '../../src/thread/clients.ts';
import { makeThreadMemory } from '../../src/thread/thread-memory.ts';
import type { FakeKernel } from './fake-kernel.ts';
import { lineService, type Pending } from './line-client.ts';

/** Thrown out of a system call in which a thread ends. */
export class Killed extends Error {}

export interface SteppedParts {
  readonly kernel: FakeKernel;
  readonly table: ConnectionTable;
  readonly arena: Arena;
  readonly account: MemoryAccount;
  readonly row: ThreadRow;
  readonly room: ThreadRow;
  readonly acceptorEpollFd: number;
  readonly speaksFirst: boolean;
  readonly givesWay: boolean;
  readonly report: (event: ServerEvent) => void;
}

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/** Turns without work after which it parks; the real one takes a few more. */
const EMPTY_TURNS = 2;
const EVENTS = 8;

export class SteppedThread {
  readonly row: ThreadRow;
  isDead = false;
  isRunning = false;
  isRetiring = false;
  /** Undoes what its code did after it was ended. */
  buried: (() => void) | undefined = undefined;
  /** Handlers that are still at work. */
  pending: Pending[] = [];
  /** Callbacks that Node would run at the end of this step, and those that it would run later. */
  ticks: (() => void)[] = [];
  timers: Timer[] = [];
  readonly #parts: SteppedParts;
  readonly #poller: Poller;
  readonly #thread: ThreadClients;
  #fetched: { fd: number; generation: number; mask: number }[] = [];
  #empty = 0;
  #parkedAt: number | undefined = undefined;

  constructor(parts: SteppedParts) {
    const { kernel, row, room, table, arena, account, speaksFirst, givesWay, acceptorEpollFd } = parts;
    this.#parts = parts;
    this.row = row;
    const service: Service = lineService(speaksFirst, {
      wait: (pending) => this.pending.push(pending),
      closed: () => kernel.interrupt('hook'),
    });
    this.#poller = kernel.as(row.thread, () => Poller.create(kernel, EVENTS));
    const { fd } = this.#poller;
    this.#thread = new ThreadClients({
      sys: kernel,
      memory: makeThreadMemory(),
      table,
      arena,
      row,
      account,
      room,
      poller: this.#poller,
      service,
      framings: [{ name: undefined, framing: createFraming({ line: 'lf', atEnd: 'refuse' }, 4096) }],
      settings: givesWay ? { ...TIMELESS, moveAfter: 0 } : TIMELESS,
      giveBack: (client, generation) => giveBack({ sys: kernel, table, row, room }, client, generation),
      report: (event) => this.#report(event),
      complain: (event) => this.#report(event),
      drained: () => {},
    });
    row.speaksFirst = speaksFirst;
    row.epollFd = fd;
    row.tid = row.thread + 1;
    row.state = RUNNING;
    kernel.epollControl(acceptorEpollFd, EPOLL_CTL_ADD, fd, EPOLLONESHOT, row.thread, fd);
  }

  #report(event: ServerEvent): void {
    if (!this.isDead) this.#parts.report(event);
  }

  get isParked(): boolean {
    return this.#parkedAt !== undefined;
  }

  get hasFetched(): boolean {
    return this.#fetched.length > 0;
  }

  /** Asks for the sockets that are ready, if the last ones are served; parks when there were none for a while. */
  fetch(): void {
    if (this.hasFetched || !this.#isAwake()) return;
    this.#run(() => {
      this.row.beat(-1);
      const count = this.#poller.wait(0);
      const { events } = this.#poller;
      for (let index = 0; index < count; index++) {
        this.#fetched.push({ fd: events.low(index), generation: events.high(index), mask: events.mask(index) });
      }
      this.#empty = count === 0 ? this.#empty + 1 : 0;
      if (count > 0) this.#thread.begin();
      else if (this.#empty >= EMPTY_TURNS) this.#park();
    });
  }

  /** Serves the next of the sockets that were ready when they were fetched. */
  serve(): void {
    const event = this.#fetched[0];
    if (event === undefined || this.isRunning) return;
    this.#fetched.shift();
    this.#run(() => this.#thread.serve(event.fd, event.generation, event.mask));
  }

  /** Lets one of the handlers that are at work come to its end. */
  settle(which: number): void {
    if (this.isDead || this.isRunning || this.hasFetched || this.pending.length === 0) return;
    const [pending] = this.pending.splice(which % this.pending.length, 1);
    this.#run(() => (pending as Pending).settle());
  }

  runTimers(now: number): void {
    if (this.isDead || this.isRunning || this.hasFetched) return;
    const due = this.timers.filter((timer) => timer.due <= now);
    this.timers = this.timers.filter((timer) => timer.due > now);
    for (const timer of due) this.#run(timer.run);
  }

  #runTicks(): void {
    for (let tick = this.ticks.shift(); tick !== undefined; tick = this.ticks.shift()) {
      this.#parts.kernel.interrupt('tick');
      tick();
    }
  }

  #isAwake(): boolean {
    if (this.isDead || this.isRunning) return false;
    if (this.#parkedAt === undefined) return true;
    if (this.row.waker.count === this.#parkedAt) return false;
    this.#parkedAt = undefined;
    this.#empty = 0;
    this.row.changeState(PARKED, RUNNING);
    return true;
  }

  #park(): void {
    const count = this.row.waker.count;
    if (!this.row.changeState(RUNNING, PARKED)) return;
    const { acceptorEpollFd, kernel } = this.#parts;
    const { fd } = this.#poller;
    kernel.epollControl(acceptorEpollFd, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, this.row.thread, fd);
    this.#parkedAt = count;
  }

  /** What `act` asks Node to do at once is done before the step ends, but not before all that was fetched is served. */
  #run(act: () => void): void {
    if (this.isDead || this.isRunning) return;
    this.isRunning = true;
    try {
      this.#parts.kernel.as(this.row.thread, () => {
        act();
        if (!this.hasFetched) this.#runTicks();
      });
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    } finally {
      this.isRunning = false;
      this.buried?.();
      this.buried = undefined;
    }
  }
}
