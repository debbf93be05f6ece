/** The acceptor and some service threads over a fake kernel, in steps that can be put in any order. */
import { ArenaCleaner } from '../../src/supervisor/arena-cleaner.ts';
import { EpollAcceptor } from '../../src/epoll/acceptor.ts';
import { Admission } from '../../src/acceptor/admission.ts';
import { Closer } from '../../src/connection/end/close.ts';
import { Listener } from '../../src/acceptor/listener.ts';
import type { FromAcceptor } from '../../src/acceptor/messages.ts';
import { MemoryGuard } from '../../src/supervisor/memory-guard.ts';
import { Migrator } from '../../src/supervisor/migrate.ts';
import { placementFor } from '../../src/supervisor/placement.ts';
import { WaitingRoom } from '../../src/supervisor/waiting-room/waiting-room.ts';
import { DeadlineScan } from '../../src/supervisor/deadline-scan.ts';
import { Deadlines } from '../../src/sharing/deadlines.ts';
import { TIMELESS } from './timeless.ts';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import { Poller } from '../../src/reactor/poller.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { FREE, IDLE, stateOf, threadOf, withState } from '../../src/sharing/control-word.ts';
import { COMPUTING } from '../../src/sharing/client-kind.ts';
import { sharedTime } from '../../src/sharing/clock.ts';
import { MemoryAccount } from '../../src/sharing/memory-account.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { ACCEPTOR, FakeKernel } from './fake-kernel.ts';
import { LineClient } from './line-client.ts';
import { NO_LIMITS } from './no-limits.ts';
import type { NodeCallbacks } from './node-callbacks.ts';
import { type Action, ACTIONS, FDS, MOST_THREADS, ROWS, type Step } from './schedule-actions.ts';
import { Killed, SteppedThread } from './stepped-thread.ts';

export interface ScheduleSettings {
  /** How many bytes the kernel keeps for a client that does not read. */
  readonly sendBuffer: number;
  readonly arenaSize: number;
  readonly speaksFirst: boolean;
  /** Each client gives way to others after each of its messages. */
  readonly givesWay: boolean;
}

export class Schedule implements NodeCallbacks {
  readonly table = ConnectionTable.create(FDS);
  readonly kernel = new FakeKernel(this.table);
  readonly board = ThreadBoard.create(ROWS);
  readonly arena: Arena;
  readonly account: MemoryAccount;
  readonly counters = new AcceptorCounters();
  readonly clients: LineClient[] = [];
  readonly events: ServerEvent[] = [];
  /** By row; `undefined`: it is free for a new thread. */
  readonly threads: (SteppedThread | undefined)[] = [];
  deaths = 0;
  /** A client may have been turned away because it could not be watched. */
  wasShort = false;
  time = 1000;
  readonly settings: ScheduleSettings;
  readonly acceptor: EpollAcceptor;
  /** What was open before there was a client: three of the acceptor's, a listener. */
  readonly ownFds: number;
  readonly registry: ThreadRegistry;
  readonly #migrator: Migrator;
  readonly #epollFd: number;
  readonly #listenerFd: number;
  readonly #busy: number[] = [];
  /** Threads that main has not told the acceptor of yet. */
  #untold: number[] = [];
  #accepting = false;
  /** How many threads there are to be: the usual number, or what the acceptor has asked for. */
  #wanted = 2;
  #inner: Step['inner'] = undefined;
  /** System calls before the inner step. */
  #left = 0;

  constructor(settings: ScheduleSettings) {
    const { board, counters, kernel, table } = this;
    this.settings = settings;
    this.arena = Arena.create(settings.arenaSize);
    this.#epollFd = kernel.epollCreate();
    this.#listenerFd = kernel.createListener();
    const mailboxFd = kernel.eventfd();
    const closer = new Closer(kernel, table, this.arena, (event) => void this.events.push(event), board.waitingRoom);
    this.#migrator = new Migrator(kernel, table, counters, closer, board);
    const busy = (row: ThreadRow): number => this.#busy[row.thread] ?? 0;
    this.registry = new ThreadRegistry(kernel, {
      min: 2,
      max: MOST_THREADS,
      clientsPerThread: Infinity,
      moveAfter: 5,
      hasRoom: true,
    });
    const { registry } = this;
    const placement = placementFor('round-robin', busy);
    const roomPoller = new Poller(kernel, kernel.epollCreate(), 16);
    const report = (event: ServerEvent): void => void this.events.push(event);
    const deadlineScan = new DeadlineScan(table, registry, new Deadlines(table, TIMELESS));
    this.account = new MemoryAccount(board, this.arena, Infinity);
    const room = new WaitingRoom({ poller: roomPoller, board, table, registry, migrator: this.#migrator, placement });
    deadlineScan.room = room;
    this.acceptor = new EpollAcceptor({
      sys: kernel,
      table,
      board,
      counters,
      poller: new Poller(kernel, this.#epollFd, 16),
      listeners: [new Listener(kernel, this.#listenerFd)],
      mailboxFd,
      registry,
      deadlineScan,
      memory: new MemoryGuard(table, this.account, deadlineScan),
      cleaner: new ArenaCleaner(this.arena, kernel),
      admission: new Admission({ sys: kernel, board, table, counters, report }, NO_LIMITS),
      placement,
      busy,
      balances: true,
      migrator: this.#migrator,
      room,
      closer,
      proxies: [],
      handlerTimeout: 200,
      post: (message) => this.#hear(message),
      report,
    });
    this.ownFds = kernel.openFds;
    kernel.now = () => this.time;
    kernel.interrupt = (call) => this.#interrupted(call);
  }

  now(): number {
    return this.time;
  }

  tick(callback: () => void): void {
    this.threads[this.kernel.caller]?.ticks.push(callback);
  }

  timer(run: () => void, delay: number): void {
    this.threads[this.kernel.caller]?.timers.push({ due: this.time + delay, run });
  }

  step(step: Step): void {
    this.#inner = step.inner;
    this.#left = step.inner?.at ?? 0;
    this.act(step);
    this.#inner = undefined;
    for (const client of this.clients) if (client.reads) client.receive();
  }

  act({ name, a, b }: Action): void {
    ACTIONS[name](this, a, b);
  }

  get alive(): SteppedThread[] {
    return this.threads.filter((thread) => thread !== undefined && !thread.isDead) as SteppedThread[];
  }

  /** One row is always left: a thread that is gone is cleared only once another one takes its clients. */
  get hasRow(): boolean {
    const gone = this.threads.filter((thread) => thread?.isDead).length;
    return this.alive.length < MOST_THREADS && gone < MOST_THREADS - 1;
  }

  connect(): void {
    if (this.clients.length >= FDS - 20) return;
    const { speaksFirst, sendBuffer } = this.settings;
    const port = this.clients.length + 1;
    this.clients.push(new LineClient(port, this.kernel.newClient(this.#listenerFd, port, sendBuffer), speaksFirst));
  }

  /** Starts a thread on a row that is free. */
  start(thread: number): void {
    if (this.threads[thread] === undefined) this.#asAcceptor(() => this.#begin(thread));
  }

  /** Starts the threads that the acceptor has asked for, as far as there are rows. */
  grow(): void {
    for (let row = 0; row < ROWS && this.hasRow && this.alive.length < this.#wanted; row++) this.start(row);
  }

  /** Ends a thread that is not in the middle of something. */
  die(thread: SteppedThread | undefined): void {
    if (thread === undefined || thread.isDead || thread.isRunning) return;
    thread.isDead = true;
    this.deaths++;
    this.#untold.push(thread.row.thread);
  }

  get hasUntold(): boolean {
    return this.#untold.length > 0;
  }

  /** Main tells the acceptor of a thread that is gone. */
  tell(): void {
    this.#asAcceptor(() => {
      const [thread] = this.#untold.splice(0, 1);
      if (thread !== undefined) this.acceptor.onMessage({ type: 'thread-gone', thread });
    });
  }

  turn(): void {
    this.#asAcceptor(() => this.acceptor.turn());
  }

  /** Has a thread give its clients away, if another one is there to take them. */
  retire(thread: number): void {
    const others = this.alive.filter(({ row, isRetiring }) => row.thread !== thread && !isRetiring);
    const retiring = this.threads[thread];
    if (retiring === undefined || others.length === 0) return;
    retiring.isRetiring = true;
    this.#asAcceptor(() => this.acceptor.onMessage({ type: 'thread-retire', threads: [thread] }));
  }

  setBusy(thread: number, ratio: number): void {
    this.#busy[thread] = ratio;
  }

  /** Takes the client of `fd`, if there is one, for an expensive one. */
  makeExpensive(fd: number): void {
    const { table } = this;
    if (stateOf(table.word(fd)) === FREE) return;
    table.setCost(fd, 60_000, sharedTime(this.time), 60_000);
    table.setKind(fd, COMPUTING);
  }

  /** Moves the idle client of `fd` if it is, like the acceptor does for one of its reasons. */
  move(fd: number, to: SteppedThread): void {
    const word = this.table.word(fd);
    const from = this.board.row(threadOf(word));
    if (from === to.row || stateOf(word) !== IDLE) return;
    this.#asAcceptor(() => this.#migrator.move(fd, withState(word, IDLE), from, to.row, 'balance'));
  }

  /** The acceptor is one thread: a step of its own inside another one of its own is none. */
  #asAcceptor(act: () => void): void {
    if (this.#accepting) return;
    this.#accepting = true;
    try {
      this.kernel.as(ACCEPTOR, act);
    } finally {
      this.#accepting = false;
    }
  }

  #interrupted(call: string): void {
    const running = this.threads[this.kernel.caller];
    if (running?.isDead) throw new Killed();
    const inner = this.#inner;
    if (inner === undefined || this.#left-- > 0) return;
    this.#inner = undefined;
    if (inner.name === 'die' && running !== undefined) this.#kill(running, call);
    else this.act(inner);
  }

  #begin(thread: number): void {
    const { account, arena, kernel, table } = this;
    const { givesWay, speaksFirst } = this.settings;
    const report = (event: ServerEvent): void => void this.events.push(event);
    const row = this.board.row(thread);
    this.threads[thread] = new SteppedThread({
      kernel,
      table,
      arena,
      account,
      row,
      room: this.board.waitingRoom,
      acceptorEpollFd: this.#epollFd,
      speaksFirst,
      givesWay,
      report,
    });
    this.acceptor.threadReady(thread);
  }

  /**
   * Ends a thread inside a system call. What its code still does while the error goes up is undone: a thread that is
   * gone writes nothing. Between `free` and `close` it cannot end.
   */
  #kill(thread: SteppedThread, call: string): void {
    if (call === 'close') return;
    const memory = [this.table.buffer, this.board.buffer, this.arena.buffer].map((buffer) => new Uint8Array(buffer));
    const copies = memory.map((bytes) => bytes.slice());
    thread.isDead = true;
    this.deaths++;
    this.#untold.push(thread.row.thread);
    thread.buried = () => memory.forEach((bytes, index) => bytes.set(copies[index] as Uint8Array));
    throw new Killed();
  }

  #hear(message: FromAcceptor): void {
    if (message.type === 'want-threads') this.#wanted = message.threads;
    else if (message.type === 'thread-cleared') this.threads[message.thread] = undefined;
    else if (message.type === 'thread-empty' || message.type === 'thread-overdue')
      this.die(this.threads[message.thread]);
  }
}
