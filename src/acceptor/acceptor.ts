/** Lets clients in, places them on threads, and has the supervisor watch the threads. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each client.
import type { MessagePort } from 'node:worker_threads';
import { includesPeer, type Peers } from '../options/values/cidr.ts';
import { sharedTenths, sharedTime } from '../sharing/clock.ts';
import { NEW, PROXIED } from '../sharing/connection-table.ts';
import { FREE, stateOf } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { PeerAddress } from '../sys/sys.ts';
import type { Admission } from './admission.ts';
import type { ArenaCleaner } from '../supervisor/arena-cleaner.ts';
import type { MemoryGuard } from '../supervisor/memory-guard.ts';
import type { FromAcceptor, KickedClient, ToAcceptor } from './messages.ts';
import { PauseReport } from './pause-report.ts';
import type { ResourceExhausted } from './listener.ts';
import { Supervisor, type SupervisorParts } from '../supervisor/supervisor.ts';
import type { DeadlineScan } from '../supervisor/deadline-scan.ts';

/*
 * What the acceptor decides is here and in `supervisor.ts`; how clients come in, how they get to their threads and what
 * wakes the acceptor is the engine's (`epoll/acceptor.ts`, `net/acceptor.ts`).
 */

/** The longest wait, in ms: how late the end of a worker is noticed whose parent ended it without a word. */
const MAX_WAIT_MS = 1000;
/** How often all is looked at while the server is full, in ms: whether there is a place now. */
const FULL_SCAN_INTERVAL_MS = 50;
/**
 * How long clients are still accepted when the server is to leave, in ms. A client that has connected may not be in the
 * kernel's queue yet: its last packet is taken note of a moment later, and would then be answered with a reset.
 */
const LAST_ACCEPTS_MS = 20;

/** The listening sockets, and whether clients are let in by them. */
export interface Listeners {
  /** How long accepting still pauses because the system is out of something, in ms; `undefined`: it does not. */
  pauseLeft(now: number): number | undefined;
  /** Lets clients in if `wanted`, and if it is not in a pause; they wait in the kernel meanwhile. */
  set(wanted: boolean, now: number): void;
}

export interface AcceptorParts extends SupervisorParts {
  readonly admission: Admission;
  readonly post: (message: FromAcceptor) => void;
  readonly deadlineScan: DeadlineScan;
  readonly memory: MemoryGuard;
  readonly cleaner: ArenaCleaner;
  /** Whose connections begin with a PROXY header. */
  readonly proxies: Peers;
}

export abstract class Acceptor {
  readonly #parts: AcceptorParts;
  readonly #supervisor: Supervisor;
  readonly #pauses: PauseReport;
  protected abstract readonly listeners: Listeners;
  /** When this thread last saw that nothing waited for it, in `performance.now()` ms; 0: it cannot tell. */
  protected floor = 0;
  /** When the listeners are closed; Infinity: they are not to be, or are. */
  #closesAt = Infinity;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
    this.#supervisor = new Supervisor(parts, (row) => this.release(row));
    this.#pauses = new PauseReport(parts.report);
  }

  /** Lets in who waits while `hasRoom`, and nobody after that; calls `closed` when that is done. */
  protected abstract closeListeners(hasRoom: () => boolean, closed: () => void): void;
  /** Closes what a thread that is gone had open for itself. */
  protected abstract release(row: ThreadRow): void;

  /** Whether it is this process that lets clients in. */
  protected get mayAccept(): boolean {
    return true;
  }

  /** Does what main says; false: it says stop. */
  onMessage(message: ToAcceptor): boolean {
    if (message.type === 'thread-ready') this.threadReady(message.thread, message.clients);
    else if (message.type === 'thread-retire') this.#retire(message.threads);
    else if (message.type === 'thread-lost') this.#supervisor.threadLost(message.thread);
    else if (message.type === 'thread-gone') this.#supervisor.threadGone(message.thread, message.hasDied);
    else if (message.type === 'drain') this.drain();
    else if (message.type === 'ping') this.#pong();
    else if (message.type === 'kick') this.#kick(message.clients);
    return message.type !== 'stop';
  }

  #retire(threads: readonly number[]): void {
    for (const thread of threads) this.#supervisor.retire(thread);
    this.#parts.registry.changed(); // The clients of one move to none of the others, whatever wakes this thread next.
  }

  #pong(): void {
    const { registry, post } = this.#parts;
    post({ type: 'pong', blockedMs: registry.blockedFor(performance.now()) });
  }

  /** Has those of `clients` closed that are still there, whatever they are doing. */
  #kick(clients: readonly KickedClient[]): void {
    const { deadlineScan, table } = this.#parts;
    for (const { fd, id } of clients) if (stateOf(table.word(fd)) !== FREE && table.hasId(fd, id)) table.kick(fd);
    deadlineScan.scanNow(performance.now());
  }

  /** Does all that is due at `now`. To be called after whatever has happened, and every `timeout` ms. */
  protected look(now: number): void {
    const { admission, cleaner, memory, deadlineScan } = this.#parts;
    this.#supervisor.look(now);
    deadlineScan.scan(now);
    memory.look(now);
    cleaner.look(now);
    admission.look(now);
    this.listeners.set(this.hasRoom(), now);
    if (now >= this.#closesAt) this.#closeListeners();
  }

  /** Takes `thread` into service. */
  threadReady(thread: number, _clients?: MessagePort): void {
    this.#parts.registry.add(this.#parts.board.row(thread));
  }

  /** Accepts the clients that wait and, a moment later, closes the listeners; then main hears of it. */
  drain(): void {
    this.#supervisor.drain();
    this.#parts.migrator.announces = true;
    this.#closesAt = performance.now() + LAST_ACCEPTS_MS;
  }

  #closeListeners(): void {
    this.#closesAt = Infinity;
    const { admission, registry, post } = this.#parts;
    // Who is not accepted now is refused: better to wait for a thread that is blocked.
    const hasAnyRoom = (): boolean => registry.any.length > 0 && admission.isOpen;
    this.closeListeners(hasAnyRoom, () => post({ type: 'drained' }));
  }

  /** How long nothing is due if nothing happens, in ms. */
  protected timeout(): number {
    const now = performance.now();
    const { memory, deadlineScan } = this.#parts;
    const duties = Math.min(deadlineScan.left(now), memory.left, this.#closesAt - now);
    const pause = Math.min(this.listeners.pauseLeft(now) ?? MAX_WAIT_MS, duties);
    const rest = Math.min(this.hasRoom() ? MAX_WAIT_MS : FULL_SCAN_INTERVAL_MS, this.#supervisor.timeout(now));
    return Math.ceil(Math.max(0, Math.min(pause, rest)));
  }

  /** Says that accepting pauses, because the system is out of `shortage`. */
  protected paused({ cause, errno }: ResourceExhausted): void {
    this.#parts.counters.countPause(cause);
    this.#pauses.add(errno, performance.now());
  }

  protected readonly hasRoom = (): boolean => {
    const { admission, registry } = this.#parts;
    return (registry.hasRoom || this.#supervisor.isCareful()) && admission.isOpen && this.mayAccept;
  };

  /** Lets the client of `fd` in and gives it to a thread, or turns it away. */
  protected readonly admit = (fd: number, peer: PeerAddress): void => {
    const { admission, closer, counters, migrator, placement, proxies, report, registry, table } = this.#parts;
    const isProxied = includesPeer(proxies, peer.bytes);
    if (!admission.admits(fd, peer, isProxied)) return;
    const row = this.#supervisor.roomFor(peer.bytes) ?? placement(registry.any, peer.bytes);
    const id = counters.countAccepted();
    const flags = (registry.speaksFirst ? NEW : 0) | (isProxied ? PROXIED : 0);
    const generation = table.admit(fd, row.thread, id, peer.bytes, peer.port, flags);
    const now = performance.now();
    const time = sharedTime(now);
    if (this.floor > 0 && row.number !== 0) table.setArrivedFrom(fd, sharedTenths(this.floor), sharedTenths(now));
    table.setLastActivity(fd, time);
    table.setConnectedAt(fd, time);
    if (isProxied) table.setMessageStartedAt(fd, time || 1);
    row.clientCame(); // Who hears of it finds it counted.
    // Who a proxy speaks for is not known yet: the thread that reads the header reports it.
    if (!isProxied) report?.({ type: 'open', ...closer.describe(fd, row) });
    migrator.place(fd, generation, row);
  };

  /** Wakes the thread of `row`, which is parked and has work. */
  protected wake(row: ThreadRow, now: number): void {
    this.#supervisor.wake(row, now);
  }
}
