/** Gives the connections of a thread what they share: its memory, its service and its limits; and calls them back. */
// The globals of these are accessors, which costs at each message.
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { ClientSignals } from '../connection/asked/client-signal.ts';
import { callContext } from '../connection/call-context.ts';
import type { ClientTls } from '../connection/client.ts';
import { Closer } from '../connection/end/close.ts';
import type { CalledBack, ThreadContext } from '../connection/context.ts';
import { PerMessage } from '../connection/per-message.ts';
import { PerSession } from '../connection/per-session.ts';
import { Codecs } from '../connection/codec/codec.ts';
import { MessageRate } from '../connection/rate/message-rate.ts';
import { Reader } from '../connection/bytes/reader.ts';
import { ReplyBuffer } from '../connection/bytes/reply-buffer.ts';
import { ReplyPages } from '../connection/bytes/reply-pages.ts';
import { MemoryBlocks } from '../connection/bytes/saved-bytes.ts';
import type { Service } from '../connection/service.ts';
import { CLIENT_CLOSE, messageTracing } from '../connection/tracing.ts';
import type { Answering, ServedConnection, Strategy } from '../connection/strategy.ts';
import { Turn } from '../connection/turn/turn.ts';
import { crash, errorToRecord } from '../errors.ts';
import { Frame } from '../framing/frame.ts';
import { LookTimes } from '../reactor/look-times.ts';
import { type ClientKind, LIGHT, NEWCOMER } from '../sharing/client-kind.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { type ConnectionTable, type Generation, WORK_LEFT } from '../sharing/connection-table.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import { KeptMemory } from './kept-memory.ts';
import { Lingering } from './lingering.ts';
import type { ServiceThreadParts } from './parts.ts';

/** The thread, as its connections reach it. */
export interface ContextOwner {
  readonly isDraining: boolean;
  /** Forgets a connection that is over. */
  forget(connection: CalledBack): void;
  /** Looks, when what runs now is done, whether a thread that drains has no client any more. */
  checkDrainedSoon(): void;
}

export class ServiceContext implements ThreadContext {
  readonly sys: ThreadContext['sys'];
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly poller: ThreadContext['poller'];
  readonly service: Service;
  answers: Answering;
  readonly rate: MessageRate | undefined;
  readonly codecs: Codecs;
  readonly frame = new Frame();
  readonly borrowsReplies: boolean;
  readonly blocks: MemoryBlocks;
  readonly input: NativeBuffer;
  readonly reader: Reader;
  readonly replies: ReplyBuffer;
  readonly pages: ReplyPages;
  readonly settings: ThreadContext['settings'];
  readonly closer: Closer;
  readonly signals: ClientSignals;
  readonly beginHandshake: ThreadContext['beginHandshake'];
  time = 0;
  readonly looks: LookTimes;
  readonly turn: Turn;
  readonly #parts: ServiceThreadParts;
  readonly #owner: ContextOwner;
  readonly #Strategy: typeof PerMessage | typeof PerSession;
  readonly #memory: KeptMemory;
  readonly #lingering = new Lingering(this);
  #unflushed: CalledBack[] = [];

  constructor(parts: ServiceThreadParts, owner: ContextOwner) {
    this.#parts = parts;
    this.#owner = owner;
    this.sys = parts.sys;
    this.table = parts.table;
    this.row = parts.row;
    this.row.handlers = 0;
    this.poller = parts.poller;
    this.looks = new LookTimes(parts.row, parts.table, (fd) => parts.sys.unread(fd));
    this.turn = new Turn(this.looks, parts.settings.moveAfter);
    this.service = parts.service;
    this.answers = parts.service as Answering;
    this.settings = parts.settings;
    this.rate = parts.rate && new MessageRate(parts.rate, this);
    this.beginHandshake = parts.beginHandshake;
    this.closer = new Closer(parts.sys, parts.table, parts.arena, parts.report, parts.row);
    this.blocks = new MemoryBlocks(parts.sys, parts.arena, parts.row.thread);
    this.input = parts.sys.wrap(parts.memory.input);
    this.reader = new Reader(this);
    this.replies = new ReplyBuffer(parts.sys.allocate(this.input.size), this.input);
    this.pages = new ReplyPages(parts.sys, this.input);
    this.codecs = new Codecs(parts.service, parts.framings, { input: this.input, aside: parts.memory.aside });
    this.borrowsReplies = parts.service.borrow === 'both';
    this.#Strategy = parts.service.session === undefined ? PerMessage : PerSession;
    this.#memory = new KeptMemory(parts);
    this.signals = new ClientSignals(parts.service.session !== undefined);
  }

  /** Has messages traced while somebody wants to know of them. To be called as a turn begins. */
  lookAtTracing(): void {
    if (!messageTracing.look()) return;
    const service = this.service as Service & Answering;
    const { frame, row } = this;
    const message: Answering['message'] = (read, client) =>
      messageTracing.call(() => service.message(read, client), client as object, frame.end - frame.start, row.number);
    this.answers = messageTracing.isOn ? { message } : service;
  }

  /** The count is the one of the thread's row: whoever watches the server reads it there. */
  get awaiting(): number {
    return this.row.handlers;
  }

  set awaiting(count: number) {
    this.row.handlers = count;
  }

  /** Whether something waits for Node's event loop. */
  get awaitsNode(): boolean {
    return this.awaiting > 0 || this.#unflushed.length > 0;
  }

  makeStrategy(connection: ServedConnection): Strategy {
    return new this.#Strategy(connection, this);
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
    else if (giveBack !== undefined && room.epollFd > 0 && !this.#owner.isDraining) {
      const hasWorkLeft = (this.table.flags(fd) & WORK_LEFT) !== 0;
      this.looks.leave(fd, hasWorkLeft);
      if (hasWorkLeft) this.#waitsForRoom(fd);
      return giveBack(fd, generation);
    }
    this.table.idle(fd, generation);
    return true;
  }

  /** The rest of what the client has sent waits for room to send, which there nearly always is. While there is none, it does not read. */
  #waitsForRoom(fd: number): void {
    const { table } = this;
    if (table.writeStalledAt(fd) === 0) table.setWriteStalledAt(fd, sharedTime(this.time));
  }

  tlsOf(fd: number): ClientTls | undefined {
    return this.#parts.clientStreams?.tlsOf(fd);
  }

  isCutShort(fd: number): boolean {
    return this.#parts.clientStreams?.isCutShort(fd) === true;
  }

  flushSoon(connection: CalledBack): void {
    // A tick that is asked for by a promise's callback runs when all such callbacks have run.
    if (this.#unflushed.push(connection) === 1) process.nextTick(this.#flushAll);
  }

  goOnSoon(connection: CalledBack): void {
    const { floor } = this.looks;
    setImmediate(() => {
      this.time = performance.now();
      this.looks.floor = floor;
      this.turn.begin(this.time);
      callContext.run(() => connection.goOn());
    });
  }

  lingers(connection: CalledBack): void {
    this.#lingering.add(connection);
  }

  isSurplus(bytes: number): boolean {
    return this.#memory.isSurplus(bytes);
  }

  mayIdle(fd: number, timeout: number): void {
    const { table } = this;
    const isShortest = timeout < table.shortestIdleTimeout;
    table.setIdleTimeout(fd, timeout);
    if (isShortest) this.#parts.alert?.(); // The acceptor has to look sooner.
  }

  countKept(more: number, here: number): void {
    this.#memory.count(more, here);
  }

  serviceFailed(connection: CalledBack, error: unknown): void {
    const { id: client, remoteAddress: address, remotePort: port } = connection;
    const about = { time: Date.now(), client, address, port, thread: this.row.number };
    const record = errorToRecord(error, 'HEDDLE_SERVICE_ERROR');
    this.#parts.complain({ type: 'service-error', ...about, error: record });
  }

  closed(connection: CalledBack, reason: CloseReason): void {
    this.#lingering.remove(connection);
    this.rate?.forget(connection);
    this.#owner.forget(connection);
    if (CLIENT_CLOSE.hasSubscribers) CLIENT_CLOSE.publish({ client: connection, reason, thread: this.row.number });
    if (this.service.close !== undefined) callContext.run(() => void this.#tellClosed(connection, reason).catch(crash));
    this.#owner.checkDrainedSoon();
    this.#parts.clientStreams?.leaves(connection.fd);
  }

  /** The hook runs at once; what it throws, or its promise rejects with, is reported and ends nothing. */
  async #tellClosed(connection: CalledBack, reason: CloseReason): Promise<void> {
    try {
      await this.service.close?.(connection, reason);
    } catch (error) {
      this.serviceFailed(connection, error);
    }
  }

  readonly #flushAll = (): void => {
    const connections = this.#unflushed;
    this.#unflushed = [];
    this.time = performance.now();
    for (const connection of connections) connection.flushNow();
  };
}
