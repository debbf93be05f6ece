/** Keeps the clients of a stream service on one thread: hands them over, holds them to their limits, and reports their end. */
import { callContext } from '../connection/call-context.ts';
import type { Closer, Report } from '../connection/end/close.ts';
import { unreadText } from '../connection/end/linger.ts';
import type { StreamService } from '../connection/service.ts';
import { CLIENT_ARRIVE, CLIENT_CLOSE, CLIENT_OPEN } from '../connection/tracing.ts';
import { crash, errorToRecord } from '../errors.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { Deadlines } from '../sharing/deadlines.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { type ArrivedSocket, StreamedConnection } from './streamed-connection.ts';
import type { StreamBase } from './stream-sockets.ts';

/*
 * The library reads and writes the socket, past Heddle: nothing here runs for a byte. Now and then the thread looks at what has come
 * and gone, and writes into the client's slot what others keep there at each message: when the client was last active, since when it
 * takes nothing, how much is kept for it. So the same deadlines hold, and the same limit of memory.
 */

/** How often clients are looked at if no deadline asks for more, in ms. */
const LOOK_MS = 500;

/** After so many periods without a look, one closes nobody: the process was stopped, and clients have yet to be heard. */
const LATE = 2;

export interface StreamedParts {
  readonly service: StreamService;
  readonly sys: Pick<StreamBase, 'addressText' | 'discardOnClose' | 'unsent'>;
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly closer: Closer;
  readonly deadlines: Deadlines;
  readonly maxUnsent: number;
  /** Takes errors of the service. */
  readonly complain: Report;
  /** Lets the client of `fd` be idle for `timeout` ms. */
  readonly mayIdle: (fd: number, timeout: number) => void;
  /** Takes note that `bytes` more are kept. */
  readonly countKept: (bytes: number) => void;
  /** Whether `bytes` are too much to be kept for one client now. */
  readonly isSurplus: (bytes: number) => boolean;
  /** Called after each end. */
  readonly left: () => void;
}

export class StreamedClients {
  readonly #parts: StreamedParts;
  readonly #clients = new Set<StreamedConnection>();
  /** How often they are looked at, in ms. */
  #period = LOOK_MS;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;
  #isLeaving = false;

  constructor(parts: StreamedParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Hands over a client whose slot this thread has pinned. */
  add(arrived: ArrivedSocket): void {
    const { row, sys, table } = this.#parts;
    const { fd } = arrived;
    const about = { id: table.id(fd), address: sys.addressText(table.address(fd)), port: table.port(fd) };
    const client = new StreamedConnection(arrived, about, this.#isLeaving, {
      closed: () => this.#closed(client),
      mayIdle: (timeout) => this.#mayIdle(client, timeout),
    });
    this.#clients.add(client);
    table.setFlags(fd, 0);
    table.setLastActivity(fd, sharedTime(performance.now()));
    if (this.#timer === undefined) this.#startLooking();
    for (const channel of [CLIENT_ARRIVE, CLIENT_OPEN])
      if (channel.hasSubscribers) channel.publish({ client, thread: row.number });
    row.beat(fd); // Should the service block the thread now, this client is to blame.
    callContext.run(() => this.#begin(client));
    row.beat(-1);
  }

  /** Tells all clients that the thread wants to leave, and those that come from now on. What has arrived is read first. */
  leave(): void {
    this.#isLeaving = true;
    setImmediate(() => setImmediate(this.#tellAll));
  }

  /** The thread is to stay after all: clients that come from now on may stay as well. */
  stay(): void {
    this.#isLeaving = false;
  }

  /** Looks at all clients, and closes those that have let a deadline pass or for which too much is kept. */
  look(): void {
    const now = performance.now();
    const isLate = now - this.#lookedAt > LATE * this.#period + LOOK_MS;
    this.#lookedAt = now;
    const time = sharedTime(now);
    for (const client of this.#clients) {
      this.#note(client, time);
      if (!isLate) this.#check(client, time);
    }
  }

  readonly #tellAll = (): void => {
    if (!this.#isLeaving) return;
    for (const client of this.#clients) callContext.run(() => client.leave());
  };

  #mayIdle(client: StreamedConnection, timeout: number): void {
    if (!this.#clients.has(client)) return;
    this.#parts.mayIdle(client.fd, timeout);
    if (this.#parts.deadlines.period < this.#period) this.#startLooking();
  }

  #startLooking(): void {
    clearInterval(this.#timer);
    this.#lookedAt = performance.now();
    this.#period = Math.min(LOOK_MS, this.#parts.deadlines.period);
    // What has arrived while the thread was blocked is read first.
    this.#timer = setInterval(() => setImmediate(() => this.look()), this.#period);
  }

  /** Without a hook to await, the service has its socket before anything is read from it. */
  #begin(client: StreamedConnection): void {
    const { service } = this.#parts;
    try {
      const opening = service.open?.(client);
      const streaming = opening === undefined ? service.stream(client.socket, client) : this.#opened(client, opening);
      if (streaming !== undefined) Promise.resolve(streaming).catch((error: unknown) => this.#failed(client, error));
    } catch (error) {
      this.#failed(client, error);
    }
  }

  async #opened(client: StreamedConnection, opening: Promise<void>): Promise<void> {
    await opening;
    if (this.#clients.has(client)) await this.#parts.service.stream(client.socket, client);
  }

  #failed(client: StreamedConnection, error: unknown): void {
    this.#complain(client, error);
    client.finish('service-error');
  }

  #complain({ id, remoteAddress: address, remotePort: port }: StreamedConnection, thrown: unknown): void {
    const { complain, row } = this.#parts;
    const error = errorToRecord(thrown, 'HEDDLE_SERVICE_ERROR');
    complain({ type: 'service-error', time: Date.now(), client: id, address, port, thread: row.number, error });
  }

  /** Writes down what has come and gone since the last look. */
  #note(client: StreamedConnection, time: number): void {
    const { table } = this.#parts;
    const { fd, gauge } = client;
    this.#count(client);
    const { waiting } = gauge;
    const [hasRead, hasSent] = [gauge.hasRead(), gauge.hasSent()];
    if (waiting === 0) table.setWriteStalledAt(fd, 0);
    else if (hasSent || table.writeStalledAt(fd) === 0) table.setWriteStalledAt(fd, time);
    table.setUnsent(fd, waiting);
    // While something waits for it, the client is not idle.
    if (waiting > 0) table.setLastActivity(fd, 0);
    else if (hasRead || hasSent || table.lastActivity(fd) === 0) table.setLastActivity(fd, time);
    this.#noteKept(client, waiting);
  }

  #noteKept(client: StreamedConnection, bytes: number): void {
    if (bytes === client.kept) return;
    this.#parts.table.setKept(client.fd, bytes, bytes);
    this.#parts.countKept(bytes - client.kept);
    client.kept = bytes;
  }

  #count({ gauge }: StreamedConnection): void {
    this.#parts.row.countReceived(gauge.countReceived());
    this.#parts.row.countSent(gauge.countSent());
  }

  #check(client: StreamedConnection, time: number): void {
    const { deadlines, isSurplus, maxUnsent } = this.#parts;
    const { kept } = client;
    if (kept > maxUnsent)
      return this.#cutOff(client, 'over-limit', `more than ${maxUnsent} bytes wait for it (maxUnsent)`);
    const reason = kept > 0 && isSurplus(kept) ? 'over-limit' : deadlines.expired(client.fd, time);
    if (reason === undefined || (reason === 'idle-timeout' && this.#hasTaken(client, time))) return;
    if (reason === 'send-timeout') this.#cutOff(client, reason, unreadText(kept));
    else if (reason !== 'over-limit') client.end(reason);
    else
      this.#cutOff(client, reason, `${kept} bytes are kept for it, and for all clients more than may be (maxMemory)`);
  }

  /** Whether the client has taken something of what the kernel keeps for it since this was asked last. */
  #hasTaken(client: StreamedConnection, time: number): boolean {
    const { sys, table } = this.#parts;
    const before = client.untaken;
    client.untaken = Math.max(0, sys.unsent(client.fd, client.gauge.fd));
    const hasTaken = client.untaken !== 0 && client.untaken !== before;
    if (hasTaken) table.setLastActivity(client.fd, time);
    return hasTaken;
  }

  /** Closes a client that does not read: what waits for it is memory that others need, in the kernel as well. */
  #cutOff(client: StreamedConnection, reason: CloseReason, detail: string): void {
    this.#parts.sys.discardOnClose(client.fd);
    client.cutOff(reason, detail);
  }

  #closed(client: StreamedConnection): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const { closer, row, service } = this.#parts;
    this.#count(client);
    this.#noteKept(client, 0);
    const { detail, reason } = client.cause;
    closer.close(client.fd, client.generation, row, reason, detail);
    if (CLIENT_CLOSE.hasSubscribers) CLIENT_CLOSE.publish({ client, reason, thread: row.number });
    if (service.close !== undefined) callContext.run(() => void this.#tellClosed(client, reason).catch(crash));
    this.#parts.left();
  }

  /** The hook runs at once; what it throws, or its promise rejects with, is reported and ends nothing. */
  async #tellClosed(client: StreamedConnection, reason: CloseReason): Promise<void> {
    try {
      await this.#parts.service.close?.(client, reason);
    } catch (error) {
      this.#complain(client, error);
    }
  }
}
