/** An acceptor on a real listening socket, with threads that the test plays. */
import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { ArenaCleaner } from '../../src/supervisor/arena-cleaner.ts';
import { EpollAcceptor } from '../../src/epoll/acceptor.ts';
import { Admission, type AdmissionLimits } from '../../src/acceptor/admission.ts';
import { Closer } from '../../src/connection/end/close.ts';
import { Listener } from '../../src/acceptor/listener.ts';
import type { FromAcceptor } from '../../src/acceptor/messages.ts';
import { MemoryGuard } from '../../src/supervisor/memory-guard.ts';
import { Migrator } from '../../src/supervisor/migrate.ts';
import { placementFor } from '../../src/supervisor/placement.ts';
import { DeadlineScan } from '../../src/supervisor/deadline-scan.ts';
import { Deadlines } from '../../src/sharing/deadlines.ts';
import { TIMELESS } from './timeless.ts';
import { ThreadRegistry } from '../../src/supervisor/thread-registry.ts';
import type { ServerEvent } from '../../src/log/event.ts';
import type { Peers } from '../../src/options/values/cidr.ts';
import { Poller } from '../../src/reactor/poller.ts';
import { AcceptorCounters } from '../../src/sharing/acceptor-counters.ts';
import { Arena } from '../../src/sharing/arena.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { FREE, stateOf } from '../../src/sharing/control-word.ts';
import { MemoryAccount } from '../../src/sharing/memory-account.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { EPOLLIN, EPOLLONESHOT } from '../../src/sys/constants.ts';
import { type FlakySys, flakySys, type Script } from './flaky-sys.ts';
import { listenOn, owned, succeeded, sys } from './loopback.ts';
import { NO_LIMITS } from './no-limits.ts';
import { eventsOf, type SeenEvent, startRow } from './thread-rows.ts';

export interface BenchSettings {
  readonly script?: Script;
  /** How many fds the table has room for. */
  readonly capacity?: number;
  /** In ms. */
  readonly moveAfter?: number;
  readonly limits?: Partial<AdmissionLimits>;
  /** How many bytes may be kept for all clients. */
  readonly maxMemory?: number;
}

const THREADS = 3;

export class AcceptorBench {
  readonly flaky: FlakySys;
  readonly board = ThreadBoard.create(THREADS);
  readonly counters = new AcceptorCounters();
  readonly table: ConnectionTable;
  readonly events: ServerEvent[] = [];
  /** How many clients were counted at each of them. */
  readonly clientsAtEvents: number[] = [];
  /** Whose connections begin with a PROXY header. */
  readonly proxies: Peers[number][] = [];
  readonly said: FromAcceptor[] = [];
  readonly port: number;
  readonly mailboxFd = owned(sys.eventfd());
  readonly acceptor: EpollAcceptor;
  readonly registry: ThreadRegistry;
  readonly #poller: Poller;

  constructor({
    script = {},
    capacity = 4096,
    moveAfter = Infinity,
    maxMemory = Infinity,
    limits,
  }: BenchSettings = {}) {
    this.flaky = flakySys(sys, script);
    this.table = ConnectionTable.create(capacity);
    const listener = listenOn();
    this.port = listener.port;
    this.#poller = new Poller(this.flaky.sys, owned(sys.epollCreate()), 64);
    this.registry = new ThreadRegistry(this.flaky.sys, { min: 1, max: THREADS, clientsPerThread: Infinity, moveAfter });
    this.acceptor = this.#acceptor(listener.fd, { ...NO_LIMITS, ...limits }, maxMemory);
    onTestFinished(() => this.#close(listener.fd));
  }

  row(thread: number): ThreadRow {
    return this.board.row(thread);
  }

  /** Starts `thread` and takes it into service; the listener is watched from then on. */
  start(...threads: number[]): void {
    for (const thread of threads) {
      startRow(this.row(thread));
      this.acceptor.threadReady(thread);
    }
    this.nudge();
  }

  /** Has the acceptor leave, and take turns until it has closed the listeners. */
  leave(): void {
    this.acceptor.drain();
    while (!this.said.some(({ type }) => type === 'drained')) this.acceptor.turn();
  }

  /** Has the acceptor take a turn even if there is nothing to do. */
  nudge(): void {
    sys.eventfdSignal(this.mailboxFd);
    this.acceptor.turn();
  }

  /** Has the acceptor watch `thread`, as a thread does that parks. */
  arm(thread: number): void {
    const { epollFd } = this.row(thread);
    succeeded(this.#poller.add(epollFd, EPOLLIN | EPOLLONESHOT, thread, epollFd));
  }

  /** What each thread's epoll set reports. */
  seen(): SeenEvent[][] {
    return this.board.rows.map((row) => (row.epollFd > 0 ? eventsOf(row) : []));
  }

  /** The fds of the clients on `thread`. */
  clientsOf(thread: number): number[] {
    const fds: number[] = [];
    this.table.forEach(thread, (fd) => fds.push(fd));
    return fds;
  }

  typesOfEvents(): string[] {
    return this.events.map(({ type }) => type);
  }

  #acceptor(listenerFd: number, admissionLimits: AdmissionLimits, maxMemory: number): EpollAcceptor {
    const { board, counters, flaky, mailboxFd, table } = this;
    const arena = Arena.create(1 << 16);
    const report = (event: ServerEvent): void => {
      this.events.push(event);
      this.clientsAtEvents.push(board.clients);
    };
    const closer = new Closer(flaky.sys, table, arena, report, board.waitingRoom);
    const deadlineScan = new DeadlineScan(table, this.registry, new Deadlines(table, TIMELESS));
    return new EpollAcceptor({
      sys: flaky.sys,
      table,
      board,
      counters,
      poller: this.#poller,
      listeners: [new Listener(flaky.sys, listenerFd)],
      mailboxFd,
      registry: this.registry,
      deadlineScan,
      memory: new MemoryGuard(table, new MemoryAccount(board, arena, maxMemory), deadlineScan),
      cleaner: new ArenaCleaner(arena, flaky.sys),
      admission: new Admission({ sys: flaky.sys, board, table, counters, report }, admissionLimits),
      placement: placementFor('round-robin', () => 0),
      busy: () => 0,
      balances: false,
      migrator: new Migrator(flaky.sys, table, counters, closer, board),
      closer,
      proxies: this.proxies,
      handlerTimeout: Infinity,
      post: (message) => void this.said.push(message),
      report,
    });
  }

  #close(listenerFd: number): void {
    for (let fd = 0; fd < this.table.size; fd++) {
      if (stateOf(this.table.word(fd)) !== FREE) sys.close(fd);
    }
    const isClosed = this.flaky.calls('close').some(([fd]) => fd === listenerFd);
    if (!isClosed) sys.close(listenerFd);
  }
}

/** Tries to connect; resolves with the error's code, or `connected`. */
export function tryToConnect(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('connect', () => resolve('connected'));
  });
}
