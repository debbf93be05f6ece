/** Runs a service thread: its connections, and all that they share. */
// The globals of these are accessors, which costs at each message.
import process from 'node:process';
import { performance } from 'node:perf_hooks';
import type { AddressRules } from '../connection/address-rules.ts';
import { callContext } from '../connection/call-context.ts';
import { Closer } from '../connection/close.ts';
import { Connection } from '../connection/connection.ts';
import type { ClientTls } from '../connection/client.ts';
import type { CalledBack, ConnectionSettings, ThreadContext } from '../connection/context.ts';
import type { SocketCalls } from '../connection/sockets.ts';
import { type SharedBuffer, MemoryBlocks } from '../connection/saved-bytes.ts';
import { LINGER_MS } from '../connection/linger.ts';
import { PerMessage } from '../connection/per-message.ts';
import { type ProxyHeaderContext, ProxyHeaderReader } from '../connection/proxy-header-reader.ts';
import { borrows, type ReadMessage, readMessageFor } from '../connection/read-message.ts';
import { Reader } from '../connection/reader.ts';
import { ReplyBuffer } from '../connection/reply-buffer.ts';
import type { Service } from '../connection/service.ts';
import { PerSession } from '../connection/per-session.ts';
import type { ServedConnection, Strategy, StrategyContext } from '../connection/strategy.ts';
import { crash, errorToRecord } from '../errors.ts';
import { Frame, type Framing } from '../framing/frame.ts';
import type { ServerEvent } from '../log/event.ts';
import type { Turns } from '../reactor/reactor.ts';
import type { Arena } from '../sharing/arena.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { Deadlines, type Timeouts } from '../sharing/deadlines.ts';
import { type ClientKind, LIGHT, NEWCOMER } from '../sharing/client-kind.ts';
import type { MemoryAccount } from '../sharing/memory-account.ts';
import { type ConnectionTable, NEW, PROXIED, type Generation } from '../sharing/connection-table.ts';
import { IDLE, withState } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import type { EpollEvents, Sys } from '../sys/sys.ts';
import { Tidier } from './tidier.ts';
import type { ThreadMemory } from './thread-memory.ts';

/** How often a thread that drains looks whether the last client of the server is gone. */
const DRAIN_SCAN_INTERVAL_MS = 10;

/** So many bytes may be kept for clients until it is looked whether that is too much for all threads together. */
const CHECK_AFTER_BYTES = 2 ** 20;

/** What connections reach their sockets through, and memory to do it with. */
export type ThreadSys = SocketCalls & Pick<Sys, 'allocate' | 'trimMemory'>;

/** The settings of a server that its threads ask for. */
export type ThreadSettings = Timeouts & ConnectionSettings;

export interface ServiceThreadParts {
  readonly sys: ThreadSys;
  readonly memory: ThreadMemory;
  readonly table: ConnectionTable;
  readonly arena: Arena;
  readonly row: ThreadRow;
  /** Where expensive clients wait for their turns. */
  readonly room: ThreadRow;
  readonly poller: ThreadContext['poller'];
  /** How connections are reached until their PROXY header is read, if not as they are afterwards: what follows it is left there. */
  readonly beforehand?:
    | (Pick<ProxyHeaderContext, 'table'> & {
        readonly sys: ProxyHeaderContext['sys'] & Pick<SocketCalls, 'close' | 'addressText'>;
      })
    | undefined;
  readonly account: MemoryAccount;
  /** Has the acceptor look at the threads; left out where it does so by itself. */
  readonly alert?: (() => void) | undefined;
  readonly service: Service;
  readonly framing: Framing;
  readonly settings: ThreadSettings;
  /** Who may come, where PROXY headers say who comes. */
  readonly rules?: AddressRules | undefined;
  /** Has the acceptor watch this thread's epoll set. */
  readonly arm: () => void;
  /** Makes an expensive client idle in the waiting room; false: the kernel has no room to watch it. Left out where none move. */
  readonly giveBack?: ((fd: number, generation: Generation) => boolean) | undefined;
  /** Takes events; left out if nobody listens. */
  readonly report?: ((event: ServerEvent) => void) | undefined;
  /** Takes errors of the service. */
  readonly complain: (event: ServerEvent) => void;
  /** Called when the thread has been told to drain and has no client any more. */
  readonly drained: () => void;
}

export class ServiceThread implements ThreadContext, Turns {
  readonly sys: ThreadContext['sys'];
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly poller: ThreadContext['poller'];
  readonly service: Service;
  readonly framing: Framing;
  readonly frame = new Frame();
  readonly readMessage: ReadMessage;
  readonly lends: Buffer | undefined;
  readonly borrowsReplies: boolean;
  readonly blocks: MemoryBlocks;
  readonly input: NativeBuffer;
  readonly reader: Reader;
  readonly replies: ReplyBuffer;
  readonly arm: () => void;
  readonly settings: ThreadSettings;
  readonly closer: Closer;
  time = 0;
  awaiting = 0;
  readonly #parts: ServiceThreadParts;
  /** For connections that begin with a PROXY header. */
  protected readonly proxyHeaders: ProxyHeaderReader;
  readonly #Strategy: new (
    client: ServedConnection,
    context: StrategyContext,
  ) => Strategy;
  /** By fd. An entry is only good while its generation is; one left behind by a client that moved on is replaced. */
  readonly #connections: (Connection | undefined)[] = [];
  /** What `expect` has read: a compiler may leave out reads of which nothing is kept. */
  protected expected = 0;
  readonly #deadlines: Deadlines;
  /** When each of them is looked at again, the first first. */
  readonly #lingering = new Map<CalledBack, number>();
  #lingerTimer: NodeJS.Timeout | undefined;
  #unflushed: CalledBack[] = [];
  readonly #tidier: Tidier;
  /** How many bytes were kept since it was looked whether that is too much. */
  #grown = 0;
  #draining = false;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(parts: ServiceThreadParts) {
    callContext.begin();
    this.#parts = parts;
    this.sys = parts.sys;
    this.table = parts.table;
    this.row = parts.row;
    this.poller = parts.poller;
    this.service = parts.service;
    this.framing = parts.framing;
    this.arm = parts.arm;
    this.settings = parts.settings;
    this.closer = new Closer(parts.sys, parts.table, parts.arena, parts.report, parts.row);
    this.#deadlines = new Deadlines(parts.table, parts.settings);
    this.blocks = new MemoryBlocks(parts.sys, parts.arena, parts.row.thread);
    this.#tidier = new Tidier(() => parts.sys.trimMemory());
    this.input = parts.sys.wrap(parts.memory.input);
    this.reader = new Reader(this);
    this.replies = new ReplyBuffer(parts.sys.allocate(this.input.size), this.input);
    this.readMessage = readMessageFor(parts.service, parts.framing, this.input, parts.memory.aside);
    this.lends = borrows(parts.service, parts.framing) ? this.input.bytes : undefined;
    this.borrowsReplies = parts.service.borrow === 'both';
    const { beforehand } = parts;
    const { input, row, blocks, sys, table } = this;
    this.proxyHeaders = new ProxyHeaderReader(
      {
        sys,
        table,
        closer: new Closer(beforehand?.sys ?? parts.sys, table, parts.arena, parts.report, parts.row),
        ...beforehand,
        input,
        row,
        blocks,
      },
      { isExact: beforehand !== undefined, report: parts.report, rules: parts.rules },
    );
    this.#Strategy = parts.service.session === undefined ? PerMessage : PerSession;
  }

  begin(): void {
    this.time = performance.now();
  }

  /**
   * Reads a word of all that the next clients need. With thousands of clients it is in no cache: the CPU fetches it for all of
   * them at once here, and one after the other later. A message with 4,000 clients costs 5 % less, with 1,000 the same.
   */
  expect(events: EpollEvents, count: number): void {
    let read = 0;
    for (let index = 0; index < count; index++) {
      const fd = events.low(index);
      read ^= this.table.peek(fd) ^ (this.#connections[fd]?.lease.generation ?? 0);
    }
    this.expected = read;
  }

  serve(fd: number, generation: Generation, mask: number): void {
    const connection = this.#inHand(fd, generation) ?? this.#takeReady(fd, generation);
    connection?.event(mask, this.#draining);
  }

  makeIdle(fd: number, generation: Generation): boolean {
    const kind = this.table.kind(fd);
    if (kind !== LIGHT) return this.#makeOtherIdle(fd, generation, kind);
    this.table.idle(fd, generation);
    return true;
  }

  #makeOtherIdle(fd: number, generation: Generation, kind: ClientKind): boolean {
    const { giveBack, room } = this.#parts;
    if (kind === NEWCOMER) this.table.provedLight(fd);
    else if (giveBack !== undefined && room.epollFd > 0 && !this.#draining) return giveBack(fd, generation);
    this.table.idle(fd, generation);
    return true;
  }

  /** Clients are served by turns of the reactor. */
  hasServed(): boolean {
    return false;
  }

  awaitsNode(): boolean {
    return this.awaiting > 0 || this.#unflushed.length > 0;
  }

  closeExpired(): void {
    this.row.expired = false;
    this.time = performance.now();
    const now = sharedTime(this.time);
    this.table.forEach(this.row.thread, (fd, word) => {
      const reason = this.#deadlines.expired(fd, now);
      if (reason === undefined && !this.#deadlines.asksForProgress(fd, now)) return;
      this.row.beat(fd); // With many to close this takes a while, and is no blocked thread.
      const generation = withState(word, IDLE);
      const late =
        this.#inHand(fd, generation) ?? (this.takeIdle(fd, generation) ? this.late(fd, generation, reason) : undefined);
      late?.checkDeadlines(this.#deadlines, now, this.#draining);
    });
  }

  /** Answers what has arrived and closes all clients; new ones must not be placed here any more. */
  drain(): void {
    this.#draining = true;
    this.time = performance.now();
    this.table.forEach(this.row.thread, (fd, word) => {
      this.row.beat(fd);
      const generation = withState(word, IDLE);
      const inHand = this.#inHand(fd, generation);
      if (inHand !== undefined) inHand.drain();
      else if (this.takeIdle(fd, generation)) this.drainIdle(fd, generation);
    });
    this.checkDrained();
  }

  /** The thread wants to leave, or is to stay after all: streams are told, messages and sessions need not know. */
  leave(): void {}
  stay(): void {}

  /** Without TLS there are no tickets. */
  useTicketKeys(_keys: Uint8Array): void {}

  /** Takes a connection for which this thread keeps nothing, if it is one. */
  protected takeIdle(fd: number, generation: Generation): boolean {
    return this.table.take(fd, generation);
  }

  /** Drains an idle connection, which this thread has just taken. */
  protected drainIdle(fd: number, generation: Generation): void {
    this.#connection(fd, generation)?.drain();
  }

  /** Ends the connection of `fd` at once. */
  protected endConnection(fd: number, reason: CloseReason, detail: string): void {
    this.#connections[fd]?.end(reason, detail);
  }

  protected get isDraining(): boolean {
    return this.#draining;
  }

  tlsOf(_fd: number): ClientTls | undefined {
    return undefined;
  }

  isCutShort(_fd: number): boolean {
    return false;
  }

  flushSoon(connection: CalledBack): void {
    // A tick that is asked for by a promise's callback runs when all such callbacks have run.
    if (this.#unflushed.push(connection) === 1) process.nextTick(this.#flushAll);
  }

  goOnSoon(connection: CalledBack): void {
    setImmediate(() => {
      this.time = performance.now();
      callContext.run(() => connection.goOn());
    });
  }

  lingers(connection: CalledBack): void {
    if (this.#lingerTimer === undefined) this.#lingerTimer = setTimeout(this.#checkLingering, LINGER_MS);
    this.#lingering.set(connection, performance.now() + LINGER_MS);
  }

  makeStrategy(connection: ServedConnection): Strategy {
    return new this.#Strategy(connection, this);
  }

  isSurplus(bytes: number): boolean {
    return this.#parts.account.isSurplus(bytes);
  }

  countKept(more: number, here: number): void {
    if (here !== 0) this.row.addKept(here);
    if (here < 0) this.#tidier.released(-here);
    this.#grown += Math.max(0, more);
    if (this.#grown < CHECK_AFTER_BYTES) return;
    this.#grown = 0;
    if (this.#parts.account.excess > 0) this.#parts.alert?.();
  }

  serviceFailed(connection: CalledBack, error: unknown): void {
    const record = errorToRecord(error, 'HEDDLE_SERVICE_ERROR');
    this.#parts.complain({ type: 'service-error', ...this.#describe(connection), error: record });
  }

  closed(connection: CalledBack, reason: CloseReason): void {
    this.#connections[connection.fd] = undefined;
    this.#lingering.delete(connection);
    if (this.service.close !== undefined) callContext.run(() => void this.#tellClosed(connection, reason).catch(crash));
    if (this.#draining) setImmediate(() => this.checkDrained());
  }

  /** The hook runs at once; what it throws, or its promise rejects with, is reported and ends nothing. */
  async #tellClosed(connection: CalledBack, reason: CloseReason): Promise<void> {
    try {
      await this.service.close?.(connection, reason);
    } catch (error) {
      this.serviceFailed(connection, error);
    }
  }

  #takeReady(fd: number, generation: Generation): Connection | undefined {
    return this.table.takeReady(fd, generation) ? this.#connection(fd, generation) : undefined;
  }

  /** Finds the connection that was just taken, or makes it; undefined: it has done what can be done, its slot is given up. */
  #connection(fd: number, generation: Generation): Connection | undefined {
    const known = this.#connections[fd];
    return known?.lease.generation === generation && this.table.hasId(fd, known.id)
      ? known
      : this.#meet(fd, generation);
  }

  #meet(fd: number, generation: Generation): Connection | undefined {
    const flags = this.table.flags(fd);
    if (flags & PROXIED) return this.#readHeader(fd, generation, flags);
    const connection = this.#add(fd, generation, flags);
    if (flags & NEW) connection.opened();
    return connection;
  }

  /** The connection that this thread has taken and not given up; `undefined`: it is idle, or there is none for it yet. */
  #inHand(fd: number, generation: Generation): Connection | undefined {
    const known = this.#connections[fd];
    return known?.lease.generation === generation && !known.lease.isIdle ? known : undefined;
  }

  /**
   * Gives the idle connection of a client that was taken since it is late. Undefined: there is none yet, and the slot is given up;
   * its PROXY header is late, or has only to be read.
   */
  protected late(fd: number, generation: Generation, reason: CloseReason | undefined): Connection | undefined {
    const isProxied = (this.table.flags(fd) & PROXIED) !== 0;
    if (reason === undefined || !isProxied || this.proxyHeaders.hasArrived(fd)) return this.#connection(fd, generation);
    this.proxyHeaders.endExpired(fd, generation, reason);
    return undefined;
  }

  #add(fd: number, generation: Generation, flags: number, arrived?: SharedBuffer): Connection {
    const connection = new Connection(this, fd, generation, flags, arrived);
    this.table.setFlags(fd, 0);
    this.#connections[fd] = connection;
    return connection;
  }

  /** Reads on in a PROXY header; when it is whole, there is a client, which is greeted and served. */
  #readHeader(fd: number, generation: Generation, flags: number): undefined {
    const passed = this.proxyHeaders.read(fd, generation, !this.#draining);
    if (passed === undefined) {
      if (this.#draining) setImmediate(() => this.checkDrained());
      return;
    }
    const connection = this.#add(fd, generation, flags, passed.inbox);
    if (flags & NEW) connection.opened();
    connection.arrived(this.#draining);
  }

  #describe(connection: CalledBack) {
    const { id: client, remoteAddress: address, remotePort: port } = connection;
    return { time: Date.now(), client, address, port, thread: this.row.thread + 1 };
  }

  /**
   * Reports that a thread that drains has no client, and will get none. Any other thread's client may still come here, through
   * the waiting room for one, and nothing tells this thread when the last of them is gone (docs/internals/protocol.md, rule 19).
   */
  protected checkDrained(): void {
    if (!this.#draining) return;
    clearTimeout(this.#drainTimer);
    if (this.row.clients === 0 && this.table.isEmpty) this.#parts.drained();
    else this.#drainTimer = setTimeout(() => this.checkDrained(), DRAIN_SCAN_INTERVAL_MS).unref();
  }

  readonly #flushAll = (): void => {
    const connections = this.#unflushed;
    this.#unflushed = [];
    this.time = performance.now();
    for (const connection of connections) connection.flushNow();
  };

  readonly #checkLingering = (): void => {
    const now = performance.now();
    this.time = now;
    for (const [connection, due] of this.#lingering) {
      if (due > now) break;
      this.#lingering.delete(connection); // If it goes on lingering it is the last one from now on.
      connection.checkLinger();
    }
    const [next] = this.#lingering.values();
    this.#lingerTimer = next === undefined ? undefined : setTimeout(this.#checkLingering, Math.max(1, next - now));
  };
}
