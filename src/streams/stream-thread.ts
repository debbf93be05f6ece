/** Runs the clients of a thread whose sockets Node has: Node's own loop watches them, and they cannot move. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { callContext } from '../connection/call-context.ts';
import { Closer } from '../connection/end/close.ts';
import { idleInterest } from '../connection/interest.ts';
import type { BeginHandshake } from '../connection/asked/start-tls.ts';
import type { StreamService } from '../connection/service.ts';
import type { Credentials } from '../options/tls/credentials.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import { Deadlines } from '../sharing/deadlines.ts';
import { PARKED, RUNNING, type ThreadRow } from '../sharing/thread-board.ts';
import { ThreadClients, type Unwelcomed } from '../thread/clients.ts';
import type { ServiceThreadParts, ThreadCommands } from '../thread/parts.ts';
import { Handshakes, type HandshakeListener, type Newcomer } from './handshakes.ts';
import { PinnedTable } from './pinned-table.ts';
import { SocketStream, type StreamClient } from './socket-stream.ts';
import { type StreamBase, StreamSockets } from './stream-sockets.ts';
import { StreamedClients } from './streamed-clients.ts';
import { describeTls } from './tls-errors.ts';

/*
 * Connections reach their sockets through streams (`StreamSockets`). Nothing else changes: a connection is told of an
 * event, and reads and writes.
 */

/** How long a thread that is to drain goes on reading from clients who go on sending, in ms. */
const READ_ON_MS = 1000;
/** So many turns of Node's loop without a byte mean that all has been read: the first may have begun before the last byte came. */
const QUIET_TURNS = 2;

export interface StreamThreadParts extends Omit<ServiceThreadParts, 'sys' | 'poller' | 'giveBack'> {
  readonly sys: StreamBase;
  /** What clients are shown under TLS; `undefined` without it. */
  readonly tls: Credentials | undefined;
  /** The service that gets the sockets themselves; `undefined`: clients send messages. */
  readonly streams: StreamService | undefined;
}

/** What the engine of the thread does around the streams. */
export interface StreamEngine {
  /** Has a client of the engine's own that has waited for this thread until it was late. Left out where none waits. */
  arrived?(fd: number, generation: Generation): void;
  /** The thread begins to work while it is parked: it owes the acceptor its heartbeat from now on. */
  roused(): void;
  /** What was due is done. */
  served(): void;
}

export class StreamThread implements ThreadCommands, HandshakeListener, Unwelcomed {
  /** A table in which clients that this thread has are never idle. */
  readonly table: ConnectionTable;
  readonly clients: ThreadClients;
  readonly #row: ThreadRow;
  readonly #engine: StreamEngine;
  readonly #sockets: StreamSockets;
  readonly #handshakes: Handshakes | undefined;
  /** The service says when TLS begins. */
  readonly #securesLater: boolean;
  readonly #closer: Closer;
  readonly #streamed: StreamedClients | undefined;
  /** Where connections are idle that are idle: what has not come to this thread yet. */
  readonly #moving: ConnectionTable;
  #due: SocketStream[] = [];
  /** What is due has not arrived before, in `performance.now()` ms. */
  #dueFrom = 0;
  /** How long Node's loop had been idle when something became due last, in ms. */
  #idleTime = 0;
  #readUntil = 0;
  #quietTurns = 0;

  constructor(parts: StreamThreadParts, engine: StreamEngine) {
    this.#engine = engine;
    this.#row = parts.row;
    this.#moving = parts.table;
    this.table = new PinnedTable(parts.table.buffer);
    const { table } = this;
    const sockets = new StreamSockets(parts.sys, parts.row, (stream) => this.#left(stream));
    this.#sockets = sockets;
    this.#securesLater = parts.tls?.start === 'later';
    const beginHandshake = this.#securesLater ? this.#beginHandshake : undefined;
    this.clients = new ThreadClients(
      { ...parts, sys: sockets, poller: sockets.poller, clientStreams: sockets, table, beginHandshake },
      this,
    );
    this.#handshakes = parts.tls && new Handshakes(parts.tls, this);
    this.#closer = new Closer(parts.sys, table, parts.arena, parts.report, parts.row);
    this.#streamed = parts.streams && this.#makeStreamed(parts, parts.streams);
  }

  #makeStreamed({ complain, settings, sys }: StreamThreadParts, service: StreamService): StreamedClients {
    const { table } = this;
    const { context } = this.clients;
    return new StreamedClients({
      service,
      sys,
      table,
      row: this.#row,
      maxUnsent: settings.maxUnsent,
      complain,
      closer: this.#closer,
      deadlines: new Deadlines(table, settings),
      mayIdle: (fd, timeout) => context.mayIdle(fd, timeout),
      countKept: (bytes) => context.countKept(bytes, bytes),
      isSurplus: (bytes) => context.isSurplus(bytes),
      left: () => this.clients.checkDrained(),
    });
  }

  /** Takes a client whose slot this thread holds; the socket is from now on this thread's. */
  add(newcomer: Newcomer, socket: Socket): void {
    if (this.#handshakes !== undefined && !this.#securesLater) this.#handshakes.begin(newcomer, socket);
    else this.#addStream({ ...newcomer, socket, tls: undefined }, socket);
  }

  /** Whether something waits to be served. */
  get isDue(): boolean {
    return this.#due.length > 0;
  }

  /** What clients send arrives in Node's event loop. */
  awaitsNode(): boolean {
    const inNode = this.#sockets.size + (this.#handshakes?.size ?? 0) + (this.#streamed?.size ?? 0);
    return inNode > 0 || this.clients.awaitsNode();
  }

  /** What has arrived at the sockets is first to come through Node's loop. */
  drain(): void {
    this.#readUntil = performance.now() + READ_ON_MS;
    this.#quietTurns = 0;
    setImmediate(this.#drainWhenRead);
  }

  leave(): void {
    this.#streamed?.leave();
    this.clients.leave();
  }

  stay(): void {
    this.#streamed?.stay();
    this.clients.stay();
  }

  useTicketKeys(keys: Uint8Array): void {
    this.#handshakes?.useTicketKeys(keys);
  }

  /** What arrived while the thread was blocked, or the process stopped, is first to come through Node's loop, once around. */
  closeExpired(): void {
    this.#row.expired = false;
    setImmediate(() => setImmediate(this.#closeExpired));
  }

  take(fd: number, generation: Generation): boolean {
    return (this.#sockets.get(fd)?.generation === generation ? this.table : this.#moving).take(fd, generation);
  }

  refuseUnwelcomed(fd: number, generation: Generation): boolean {
    if (this.#sockets.get(fd) !== undefined) return false;
    this.refuse({ fd, generation }, 'shutdown');
    return true;
  }

  welcome(fd: number, generation: Generation): boolean {
    if (this.#sockets.get(fd) !== undefined) return false;
    this.#moving.idle(fd, generation);
    this.#engine.arrived?.(fd, generation);
    return true;
  }

  secured(newcomer: Newcomer, socket: TLSSocket, raw: Socket): void {
    this.#addStream({ ...newcomer, socket, tls: describeTls(socket) }, raw);
  }

  failed(newcomer: Newcomer, problem: string): void {
    this.refuse(newcomer, 'tls-error', problem);
  }

  /** Closes a client that no service has seen, and that has no stream. */
  refuse({ fd, generation }: Newcomer, reason: CloseReason, detail?: string): void {
    this.#closer.close(fd, generation, this.#row, reason, detail);
    this.clients.checkDrainedSoon();
  }

  /** Begins TLS with a client that has talked in plain text until now. */
  readonly #beginHandshake: BeginHandshake = (fd, listener) => {
    const stream = this.#sockets.get(fd);
    if (stream === undefined) return;
    if (stream.isOver) return listener.failed('it left before the handshake was done');
    this.#handshakes?.begin(stream, stream.release(), {
      secured: (_client, socket) => {
        const tls = describeTls(socket);
        stream.secure(socket, tls);
        this.#goOn(() => listener.secured(tls));
      },
      failed: (_client, problem) => this.#goOn(() => listener.failed(problem)),
    });
  };

  /** Has a session go on that has waited for its handshake. */
  #goOn(act: () => void): void {
    this.#rouse();
    this.clients.begin();
    callContext.run(act);
    this.#engine.served();
  }

  readonly #closeExpired = (): void => {
    this.clients.closeExpired();
    this.#streamed?.look();
  };

  /** Under TLS, `raw` is the socket below. */
  #addStream(client: StreamClient, raw: Socket): void {
    if (this.#streamed !== undefined) return this.#streamed.add({ ...client, raw });
    const stream = new SocketStream(client, idleInterest(this.table.flags(client.fd), undefined), this.#ready);
    this.#sockets.add(stream);
    this.table.setLastActivity(client.fd, sharedTime(performance.now())); // A handshake has a time of its own.
    stream.check();
    if (this.clients.isDraining) this.drain(); // It came too late to be read and closed with the others.
  }

  #left(stream: SocketStream): void {
    if (stream.isLeaving) this.#row.addClosing(-1);
    this.clients.checkDrained();
  }

  /** What has arrived on all sockets is served together, when Node's loop has read it. */
  readonly #ready = (stream: SocketStream): void => {
    if (stream.isDue || this.#sockets.get(stream.fd) !== stream) return;
    stream.isDue = true;
    if (this.#due.push(stream) > 1) return;
    this.#noteDue();
    this.#rouse();
    setImmediate(this.#serveDue);
  };

  /** What made it due may have been a call of a session. */
  readonly #serveDue = (): void => callContext.run(this.#serveAll);

  readonly #serveAll = (): void => {
    const due = this.#due;
    this.#due = [];
    const { clients } = this;
    clients.begin();
    clients.looks.from(this.#dueFrom, clients.time);
    for (const stream of due) {
      stream.isDue = false;
      const { fd, problem, readiness, generation } = stream;
      if (this.#sockets.get(fd) !== stream || readiness === 0) continue;
      clients.serve(fd, generation, problem === undefined ? readiness : 0);
      if (problem !== undefined) clients.endConnection(fd, 'tls-error', problem);
    }
    this.#engine.served();
  };

  /** Where the loop was idle since, nothing had arrived before; else it may have, behind what was served before. */
  #noteDue(): void {
    const { idleTime } = performance.nodeTiming;
    this.#dueFrom = idleTime > this.#idleTime ? performance.now() : this.clients.looks.looked;
    this.#idleTime = idleTime;
  }

  /** Clients in the middle of their handshake may finish it, and are then drained as the others. */
  readonly #drainWhenRead = (): void => {
    this.#quietTurns = this.#sockets.isQuiet() ? this.#quietTurns + 1 : 0;
    if (this.#quietTurns < QUIET_TURNS && performance.now() < this.#readUntil) {
      setImmediate(this.#drainWhenRead);
      return;
    }
    this.clients.drain();
    for (const newcomer of this.#handshakes?.dropSilent() ?? []) this.refuse(newcomer, 'shutdown');
    this.leave();
  };

  /** What came through Node's loop may block the thread, parked or not. */
  #rouse(): void {
    const row = this.#row;
    if (row.state !== PARKED) return;
    row.beat(-1);
    if (row.changeState(PARKED, RUNNING)) this.#engine.roused();
  }
}
