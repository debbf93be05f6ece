/** Serves the clients of one thread: takes those that are ready, closes those that are late, and drains them all. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each message.
import { callContext } from '../connection/call-context.ts';
import { checkFraming } from '../connection/codec/change-framing.ts';
import { Closer } from '../connection/end/close.ts';
import { Connection } from '../connection/connection.ts';
import type { CalledBack } from '../connection/context.ts';
import { CLIENT_ARRIVE, CLIENT_OPEN } from '../connection/tracing.ts';
import { ProxyHeaderReader } from '../connection/proxy-header-reader.ts';
import type { SharedBuffer } from '../connection/bytes/saved-bytes.ts';
import type { LookTimes } from '../reactor/look-times.ts';
import type { Turns } from '../reactor/reactor.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { type ConnectionTable, type Generation, NEW, PROXIED, WORK_LEFT } from '../sharing/connection-table.ts';
import { IDLE, withState } from '../sharing/control-word.ts';
import { Deadlines } from '../sharing/deadlines.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { EpollEvents } from '../sys/sys.ts';
import { Connections } from './connections.ts';
import { Drain } from './drain.ts';
import { HeapMeter } from './heap-meter.ts';
import type { ServiceThreadParts, ThreadCommands } from './parts.ts';
import { type ContextOwner, ServiceContext } from './service-context.ts';

/**
 * Knows which clients of the thread have no socket of Node's yet: they are idle in its epoll set, or their handshake is under way. Left
 * out where no client gets one: then each client that is idle may be taken and served.
 */
export interface Unwelcomed {
  /** Takes a client for which this thread keeps nothing, if it is one. */
  take(fd: number, generation: Generation): boolean;
  /** Closes a client that was just taken to be drained, if it has no socket yet; false: it has one. */
  refuseUnwelcomed(fd: number, generation: Generation): boolean;
  /** Welcomes a client that was just taken as late, if it has no socket yet: it has waited for this thread. False: it has one. */
  welcome(fd: number, generation: Generation): boolean;
}

export class ThreadClients implements Turns, ThreadCommands, ContextOwner {
  /** What its connections share. */
  readonly context: ServiceContext;
  /** For connections that begin with a PROXY header. */
  readonly proxyHeaders: ProxyHeaderReader;
  readonly #table: ConnectionTable;
  readonly #row: ThreadRow;
  readonly #unwelcomed: Unwelcomed | undefined;
  readonly #connections: Connections;
  readonly #deadlines: Deadlines;
  readonly #drain: Drain;
  readonly #heap: HeapMeter;

  constructor(parts: ServiceThreadParts, unwelcomed?: Unwelcomed) {
    callContext.begin();
    this.#table = parts.table;
    this.#row = parts.row;
    this.#unwelcomed = unwelcomed;
    this.context = new ServiceContext(parts, this);
    this.#connections = new Connections(parts.table);
    this.#deadlines = new Deadlines(parts.table, parts.settings);
    this.#drain = new Drain(parts);
    this.#heap = new HeapMeter(parts.row);
    this.#heap.look(performance.now());
    this.proxyHeaders = proxyHeaderReader(parts, this.context);
  }

  get time(): number {
    return this.context.time;
  }

  get isDraining(): boolean {
    return this.#drain.isOn;
  }

  get looks(): LookTimes {
    return this.context.looks;
  }

  begin(): void {
    const { context } = this;
    context.time = performance.now();
    context.turn.begin(context.time);
    context.lookAtTracing();
    this.#heap.look(context.time);
  }

  expect(events: EpollEvents, count: number): void {
    this.#connections.expect(events, count);
  }

  serve(fd: number, generation: Generation, mask: number): void {
    const inHand = this.#connections.inHand(fd, generation);
    if (inHand !== undefined) this.looks.serve(fd);
    const connection = inHand ?? this.#takeReady(fd, generation);
    connection?.event(mask, this.#drain.isOn);
  }

  awaitsNode(): boolean {
    return this.context.awaitsNode;
  }

  closeExpired(): void {
    this.#row.expired = false;
    this.begin();
    const now = sharedTime(this.time);
    this.#table.forEach(this.#row.thread, (fd, word) => {
      const reason = this.#deadlines.expired(fd, now);
      if (reason === undefined && !this.#deadlines.asksForProgress(fd, now) && !this.#isStuck(fd)) return;
      this.#row.beat(fd); // With many to close this takes a while, and is no blocked thread.
      this.#late(fd, withState(word, IDLE), reason)?.checkDeadlines(this.#deadlines, now, this.#drain.isOn);
    });
  }

  /** Whether the client has work left, and no event may come, since there was little room to send. */
  #isStuck(fd: number): boolean {
    return (this.#table.flags(fd) & WORK_LEFT) !== 0 && this.#table.writeStalledAt(fd) !== 0;
  }

  /** Answers what has arrived and closes all clients; new ones must not be placed here any more. */
  drain(): void {
    this.#drain.begin();
    this.leave();
    this.begin();
    this.#table.forEach(this.#row.thread, (fd, word) => {
      this.#row.beat(fd);
      const generation = withState(word, IDLE);
      const inHand = this.#connections.inHand(fd, generation);
      if (inHand !== undefined) inHand.drain();
      else if (this.#takeIdle(fd, generation)) this.#drainIdle(fd, generation);
    });
    this.#drain.check();
  }

  leave(): void {
    this.context.signals.leave();
  }

  stay(): void {
    this.context.signals.stay();
  }

  /** Forgets a connection that is over. */
  forget({ fd }: CalledBack): void {
    this.#connections.forget(fd);
  }

  /** Looks, when what runs now is done, whether a thread that drains has no client any more. */
  checkDrainedSoon(): void {
    this.#drain.checkSoon();
  }

  /** The same now. */
  checkDrained(): void {
    this.#drain.check();
  }

  /** Ends the connection of `fd` at once. */
  endConnection(fd: number, reason: CloseReason, detail: string): void {
    this.#connections.at(fd)?.closeNow(reason, detail);
  }

  #takeReady(fd: number, generation: Generation): Connection | undefined {
    if (!this.#table.takeReady(fd, generation)) return undefined;
    this.looks.serve(fd);
    return this.#connection(fd, generation);
  }

  #takeIdle(fd: number, generation: Generation): boolean {
    return this.#unwelcomed === undefined ? this.#table.take(fd, generation) : this.#unwelcomed.take(fd, generation);
  }

  /** Drains an idle connection, which this thread has just taken. */
  #drainIdle(fd: number, generation: Generation): void {
    if (this.#unwelcomed?.refuseUnwelcomed(fd, generation) !== true) this.#connection(fd, generation)?.drain();
  }

  #late(fd: number, generation: Generation, reason: CloseReason | undefined): Connection | undefined {
    const inHand = this.#connections.inHand(fd, generation);
    return inHand ?? (this.#takeIdle(fd, generation) ? this.#lateIdle(fd, generation, reason) : undefined);
  }

  /**
   * Gives the connection of an idle client that was taken since it is late. Undefined: there is none yet, and the slot is given up;
   * its PROXY header is late, or has only to be read.
   */
  #lateIdle(fd: number, generation: Generation, reason: CloseReason | undefined): Connection | undefined {
    const isProxied = (this.#table.flags(fd) & PROXIED) !== 0;
    if (!isProxied && this.#unwelcomed?.welcome(fd, generation) === true) return undefined;
    if (reason === undefined || !isProxied || this.proxyHeaders.hasArrived(fd)) return this.#connection(fd, generation);
    this.proxyHeaders.endExpired(fd, generation, reason);
    return undefined;
  }

  /** Finds the connection that was just taken, or makes it; undefined: it has done what can be done, its slot is given up. */
  #connection(fd: number, generation: Generation): Connection | undefined {
    return this.#connections.find(fd, generation) ?? this.#meet(fd, generation);
  }

  #meet(fd: number, generation: Generation): Connection | undefined {
    const flags = this.#table.flags(fd);
    if (flags & PROXIED) return this.#readHeader(fd, generation, flags);
    return this.#add(fd, generation, flags);
  }

  /** Reads on in a PROXY header; when it is whole, there is a client, which is greeted and served. */
  #readHeader(fd: number, generation: Generation, flags: number): undefined {
    const passed = this.proxyHeaders.read(fd, generation, !this.#drain.isOn);
    if (passed === undefined) this.#drain.checkSoon();
    else this.#add(fd, generation, flags, passed.inbox).arrived(this.#drain.isOn);
  }

  /** Makes the connection of a client, which is greeted if it is new to the server. */
  #add(fd: number, generation: Generation, flags: number, arrived?: SharedBuffer): Connection {
    const connection = new Connection(this.context, fd, generation, flags, arrived);
    this.#table.setFlags(fd, 0);
    this.#connections.add(connection);
    if (this.#table.mode(fd) !== 0) checkFraming(connection, this.context);
    if (CLIENT_ARRIVE.hasSubscribers) CLIENT_ARRIVE.publish({ client: connection, thread: this.#row.number });
    if (flags & NEW) this.#greet(connection);
    return connection;
  }

  #greet(connection: Connection): void {
    if (CLIENT_OPEN.hasSubscribers) CLIENT_OPEN.publish({ client: connection, thread: this.#row.number });
    connection.opened();
  }
}

function proxyHeaderReader(parts: ServiceThreadParts, context: ServiceContext): ProxyHeaderReader {
  const { arena, beforehand, report, rules } = parts;
  const { blocks, input, row } = context;
  const { sys, table } = beforehand ?? parts;
  const closer = beforehand === undefined ? context.closer : new Closer(sys, table, arena, report, row);
  return new ProxyHeaderReader(
    { sys, table, closer, input, row, blocks },
    { isExact: beforehand !== undefined, report, rules },
  );
}
