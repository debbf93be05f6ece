/** A service thread whose clients speak TLS. */
import type { TLSSocket } from 'node:tls';
import type { ClientTls } from '../connection/client.ts';
import { Closer } from '../connection/closer.ts';
import type { Connection } from '../connection/connection.ts';
import type { Credentials } from '../options/credentials.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { PROXIED, type Ticket } from '../sharing/connection-table.ts';
import { PARKED, RUNNING } from '../sharing/thread-board.ts';
import { errnoName } from '../sys/errno.ts';
import { Handshakes, type HandshakeListener, type Newcomer } from './handshakes.ts';
import { HeldTable } from './held-table.ts';
import { ServiceThread, type ServiceThreadParts } from './service-thread.ts';
import { TlsSockets } from './tls-sockets.ts';
import { TlsStream } from './tls-stream.ts';

/*
 * The acceptor puts a new client into this thread's epoll set as any other, and that is where the thread hears of it,
 * once; of a client behind a PROXY header it hears until that is read. From then on the client is Node's: its socket is watched by Node's own loop, and connections reach it through a
 * stream (`TlsSockets`). Nothing else changes: a connection is told of an event, and reads and writes.
 *
 * A client has two fds. The first is the one that was accepted: its number is the slot's, and it stays open until the
 * slot is free. Node gets a duplicate, since it closes its fd when it likes, and a number that is closed may be another
 * client's at once.
 */

/** How long a thread that is to drain goes on reading from clients who go on sending, in ms. */
const READ_ON = 1000;
/** So many turns of Node's loop without a byte mean that all has been read: the first may have begun before the last byte came. */
const QUIET_TURNS = 2;

export interface TlsThreadParts extends ServiceThreadParts {
  readonly tls: Credentials;
  /** Has the acceptor look at the threads. */
  readonly alert: () => void;
}

export class TlsThread extends ServiceThread implements HandshakeListener {
  readonly #parts: TlsThreadParts;
  readonly #sockets: TlsSockets;
  readonly #handshakes: Handshakes;
  readonly #closer: Closer;
  #due: TlsStream[] = [];
  #hasServed = false;
  #readUntil = 0;
  #quietTurns = 0;

  constructor(parts: TlsThreadParts) {
    const sockets = new TlsSockets(parts.sys, () => this.#left());
    super(parts, { sys: sockets, poller: sockets.poller, table: new HeldTable(parts.table.buffer) });
    this.#parts = parts;
    this.#sockets = sockets;
    this.#handshakes = new Handshakes(parts.tls, this);
    this.#closer = new Closer(parts.sys, this.table, parts.arena, parts.report);
  }

  /** Takes a new client; of one that it has, epoll does not tell. */
  override serve(fd: number, ticket: Ticket): void {
    if (!this.table.takeReady(fd, ticket)) return;
    if (this.isDraining) return this.drainResting(fd, ticket);
    if (!this.#passesGate(fd, ticket)) return;
    this.#parts.poller.remove(fd);
    this.table.hold(fd, ticket);
    const own = this.#parts.sys.duplicate(fd);
    if (own < 0) this.#refuse({ fd, ticket }, 'over-limit', errnoName(own));
    else this.#handshakes.begin({ fd, ticket }, own);
  }

  /** Whether the handshake comes next; if not, the connection rests again until more of its PROXY header comes, or is closed. */
  #passesGate(fd: number, ticket: Ticket): boolean {
    const { table } = this;
    const flags = table.flags(fd);
    if (!(flags & PROXIED)) return true;
    if (this.gate.read(fd, ticket, true) === undefined) return false;
    table.setFlags(fd, flags & ~PROXIED);
    return true;
  }

  /** Under load the thread does not park between two turns of Node's loop that both bring something. */
  override hasServed(): boolean {
    const hasServed = this.#hasServed;
    this.#hasServed = false;
    return hasServed;
  }

  /** What TLS clients send arrives in Node's event loop. */
  override awaitsNode(): boolean {
    return this.#sockets.size > 0 || this.#handshakes.size > 0 || super.awaitsNode();
  }

  /** What has arrived at the sockets is first to come through Node's loop. */
  override drain(): void {
    this.#readUntil = performance.now() + READ_ON;
    setImmediate(this.#drainWhenRead);
  }

  protected override drainResting(fd: number, ticket: Ticket): void {
    this.#refuse({ fd, ticket }, 'shutdown');
  }

  secured({ fd, ticket }: Newcomer, socket: TLSSocket): void {
    const stream = new TlsStream(socket, fd, ticket, this.#ready);
    this.#sockets.add(stream);
    stream.check();
  }

  failed(newcomer: Newcomer, problem: string): void {
    this.#refuse(newcomer, 'tls-error', problem);
  }

  override tlsOf(fd: number): ClientTls | undefined {
    return this.#sockets.get(fd)?.about;
  }

  /** A client counts until its last bytes are out: until then this thread must not end. */
  override closed(connection: Connection, reason: CloseReason, detail: string | undefined): void {
    super.closed(connection, reason, detail);
    this.row.addClients(1);
  }

  #left(): void {
    this.row.addClients(-1);
    this.checkDrained();
  }

  /** Closes a client that no service has seen. */
  #refuse({ fd, ticket }: Newcomer, reason: CloseReason, detail?: string): void {
    this.#closer.close(fd, ticket, this.row, reason, detail);
    if (this.isDraining) setImmediate(() => this.checkDrained());
  }

  /** What has arrived on all sockets is served together, when Node's loop has read it. */
  readonly #ready = (stream: TlsStream): void => {
    if (stream.isDue || this.#sockets.get(stream.fd) !== stream) return;
    stream.isDue = true;
    if (this.#due.push(stream) > 1) return;
    this.#rouse();
    setImmediate(this.#serveDue);
  };

  readonly #serveDue = (): void => {
    const due = this.#due;
    this.#due = [];
    this.#hasServed = true;
    this.begin();
    for (const stream of due) {
      stream.isDue = false;
      const { fd, problem, readiness, ticket } = stream;
      if (this.#sockets.get(fd) !== stream || readiness === 0) continue;
      super.serve(fd, ticket, problem === undefined ? readiness : 0);
      if (problem !== undefined) this.endConnection(fd, 'tls-error', problem);
    }
  };

  /** Clients in the middle of their handshake may finish it, and are then drained as the others. */
  readonly #drainWhenRead = (): void => {
    this.#quietTurns = this.#sockets.isQuiet() ? this.#quietTurns + 1 : 0;
    if (this.#quietTurns < QUIET_TURNS && performance.now() < this.#readUntil) {
      setImmediate(this.#drainWhenRead);
      return;
    }
    super.drain();
    for (const newcomer of this.#handshakes.dropSilent()) this.#refuse(newcomer, 'shutdown');
  };

  /** What came through Node's loop may hold the thread, parked or not: from now on it owes the acceptor its heartbeat. */
  #rouse(): void {
    const { row } = this;
    if (row.state !== PARKED) return;
    row.beat(-1);
    if (!row.changeState(PARKED, RUNNING)) return;
    row.bell.ring();
    this.#parts.alert();
  }
}
