/** The server as its user sees it: options in, threads started, and an orderly end. */
import { setTimeout as delay } from 'node:timers/promises';
import { Closer } from '../acceptor/closer.ts';
import type { FromAcceptor } from '../acceptor/messages.ts';
import { errorToRecord, HeddleError } from '../errors.ts';
import { parseServeOptions, type ServeOptions, type ServeSettings } from '../options/serve-options.ts';
import { Poller } from '../reactor/poller.ts';
import { AcceptorCounters, type MoveCause } from '../sharing/acceptor-counters.ts';
import { Arena } from '../sharing/arena.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { FREE, MAX_THREADS, REST, stateOf, threadOf, withState } from '../sharing/control-word.ts';
import { Lock } from '../sharing/lock.ts';
import { packShared } from '../sharing/shared-values.ts';
import { ThreadBoard, type ThreadCounters } from '../sharing/thread-board.ts';
import { openLibc } from '../sys/libc.ts';
import type { SocketAddress, Sys } from '../sys/sys.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import { Deferred } from './deferred.ts';
import { EventStream } from './event-stream.ts';
import { listen } from './listen.ts';
import { serviceUrl } from './service-url.ts';
import { ThreadPool } from './thread-pool.ts';

/** The largest connection table, in fds: what Linux allows a process by default (`fs.nr_open`). */
const MOST_FDS = 2 ** 20;

/** Bytes that all clients together may have kept for them where they move with the client. Memory is taken as it is used. */
const ARENA_SIZE = 64 * 2 ** 20;

/** How often a drain looks whether clients are left, in ms. */
const DRAIN_LOOK = 5;

/** How long a thread that was told to stop may run the service's `stop`, in ms. */
const STOP_GRACE = 1000;

/** Where a server listens. `host` is `::` or `0.0.0.0` for all interfaces. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

/** Numbers of a server: totals since it started, but for `clients`. */
export interface ServerStats extends ThreadCounters {
  /** How many clients are connected now. */
  readonly clients: number;
  /** How many clients were accepted. */
  readonly accepted: number;
  /** How often a message has held its thread for longer than `moveAfter`. */
  readonly stalls: number;
  /** How many clients changed threads, by cause. */
  readonly moves: Readonly<Record<MoveCause, number>>;
  /** How many clients each thread has now; a thread that is not running has 0. */
  readonly threads: readonly { readonly id: number; readonly clients: number }[];
}

/**
 * Starts a server and resolves once clients can connect and be answered. May be called on the main thread or in a
 * worker; several servers may run in one process.
 *
 * Errors: `HEDDLE_INVALID_OPTION`, `HEDDLE_LISTEN` (port in use, no permission), `HEDDLE_SERVICE_LOAD`,
 * `HEDDLE_UNSUPPORTED` (not Linux).
 *
 * @example
 * const server = await serve({ service: new URL('./reverse.js', import.meta.url), port: 0 });
 * console.log(server.address.port);
 * await server.close();
 */
export async function serve(options: ServeOptions = {}): Promise<Server> {
  const settings = parseServeOptions(options);
  const service = serviceUrl(settings.service);
  const sys = await openLibc();
  const { fd, address } = await listen(sys, settings.host, settings.port, settings.backlog);
  const server = new Server(sys, settings, service, fd, address);
  try {
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** A running server; made by `serve`. */
export class Server implements AsyncDisposable {
  readonly address: ServerAddress;
  /** How many service threads there are. */
  readonly threads: { readonly min: number; readonly max: number };
  /** Resolves when the server has ended; rejects with a HeddleError if it had to give up. */
  readonly closed: Promise<void>;
  readonly #sys: Sys;
  readonly #settings: ServeSettings;
  readonly #table: ConnectionTable;
  readonly #board: ThreadBoard;
  readonly #arena = Arena.create(ARENA_SIZE);
  readonly #counters = new AcceptorCounters();
  readonly #events: EventStream | undefined;
  readonly #listenerFd: number;
  readonly #epollFd: number;
  readonly #mailboxFd: number;
  readonly #acceptor: AcceptorHandle;
  readonly #pool: ThreadPool;
  #draining: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  readonly #closed = new Deferred<void>();

  /** Used by `serve`. */
  constructor(sys: Sys, settings: ServeSettings, service: URL, listenerFd: number, address: SocketAddress) {
    this.#sys = sys;
    this.#settings = settings;
    this.#listenerFd = listenerFd;
    this.address = { host: address.address, port: address.port, family: address.family as 'IPv4' | 'IPv6' };
    this.threads = settings.threads;
    this.closed = this.#closed.promise;
    this.closed.catch(() => {});
    this.#table = ConnectionTable.create(Math.min(MOST_FDS, sys.fileLimit()));
    this.#board = ThreadBoard.create(Math.min(MAX_THREADS, settings.threads.max * 2));
    this.#events = settings.onEvent && new EventStream(settings.onEvent);
    this.#epollFd = Poller.create(sys, 1).fd;
    this.#mailboxFd = sys.eventfd();
    const shared = {
      table: this.#table.buffer,
      board: this.#board.buffer,
      arena: this.#arena.buffer,
      events: this.#events?.ring.buffer,
    };
    const { threads, placement, clientsPerThread, moveAfter, handlerTimeout } = settings;
    const own = { epollFd: this.#epollFd, mailboxFd: this.#mailboxFd, listeners: [listenerFd] };
    this.#acceptor = new AcceptorHandle(
      sys,
      {
        ...shared,
        ...own,
        counters: this.#counters.buffer,
        placement,
        threads,
        clientsPerThread,
        moveAfter,
        handlerTimeout,
      },
      this.#hear,
    );
    this.#acceptor.ended.catch((error: unknown) => this.#giveUp(error));
    this.#pool = new ThreadPool({
      size: settings.threads.min,
      rows: this.#board.rows.length,
      patience: settings.shutdownTimeout,
      memory: settings.threadMemory,
      start: {
        ...shared,
        acceptorEpollFd: this.#epollFd,
        service: service.href,
        framing: settings.framing,
        maxMessageLength: settings.maxMessageLength,
        shared: packShared(settings.shared ?? {}),
      },
      locks: this.#locks(),
      tell: (type, thread) => this.#acceptor.post({ type, thread }),
      failed: (error) => this.#giveUp(error),
      report: (event) => this.#events?.report(event),
    });
  }

  /** Used by `serve`: resolves once all threads serve. */
  async start(): Promise<void> {
    await Promise.race([this.#pool.start(), this.#acceptor.ended]);
  }

  /** Adds up what all threads have counted; reads shared memory, asks nobody. */
  stats(): ServerStats {
    const threads = this.#board.rows.map((row) => ({ id: row.thread + 1, clients: row.clients }));
    const clients = threads.reduce((sum, thread) => sum + thread.clients, 0);
    const { accepted, stalls, moves } = this.#counters;
    return { ...this.#board.total(), clients, threads, accepted, stalls, moves };
  }

  /**
   * Loads the service anew and hands the clients to it, without closing a connection: new threads start with the code
   * as it is now, clients at rest move to them, and what only an old thread can finish (a session, a running handler) it
   * finishes, within `shutdownTimeout`. If the new code does not start, the old goes on.
   *
   * Errors: those of `serve` for a service that does not start.
   */
  async reload(): Promise<void> {
    try {
      const threads = await this.#pool.reload();
      this.#events?.report({ type: 'reload', time: Date.now(), threads });
    } catch (error) {
      this.#events?.report({ type: 'reload-failed', time: Date.now(), error: errorToRecord(error, 'HEDDLE_SERVICE_LOAD') });
      throw error;
    }
  }

  /**
   * Leaves well: stops accepting, answers what has arrived, closes all clients, and ends; what is not done within
   * `shutdownTimeout` is cut off.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Ends at once: all clients are closed, whatever they have sent. */
  close(): Promise<void> {
    this.#ending ??= this.#end(0);
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  readonly #hear = (message: FromAcceptor): void => {
    if (message.type === 'want-threads') this.#pool.grow(message.threads);
    else if (message.type === 'thread-empty') this.#pool.empty(message.thread);
    else if (message.type === 'thread-stuck') this.#pool.kill(message.thread);
    else if (message.type === 'thread-cleared') this.#pool.cleared(message.thread);
  };

  async #drain(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending;
    const deadline = new AbortController();
    const timeout = delay(this.#settings.shutdownTimeout, undefined, { signal: deadline.signal }).catch(() => {});
    const answered = this.#acceptor.drain().then(() => this.#pool.drain()).then(() => this.#empty(deadline.signal));
    await Promise.race([answered, timeout, this.closed.catch(() => {})]);
    deadline.abort();
    this.#ending ??= this.#end(STOP_GRACE);
    await this.#ending;
  }

  /** Waits until no client is left: one that moved from a held thread to one that was drained already is drained there. */
  async #empty(signal: AbortSignal): Promise<void> {
    while (this.stats().clients > 0 && !signal.aborted) await delay(DRAIN_LOOK);
  }

  async #end(grace: number): Promise<void> {
    await this.#pool.stop(grace);
    await this.#acceptor.stop();
    this.#closeLeft();
    this.#sys.close(this.#listenerFd);
    this.#sys.close(this.#epollFd);
    this.#sys.close(this.#mailboxFd);
    this.#events?.end();
    this.#closed.resolve(undefined);
  }

  /** Closes what the threads, which are gone now, have left open. */
  #closeLeft(): void {
    const { size } = this.#table;
    const closer = new Closer(this.#sys, this.#table, this.#arena, (event) => this.#events?.report(event));
    for (let fd = 0; fd < size; fd++) {
      const word = this.#table.word(fd);
      if (stateOf(word) !== FREE) closer.close(fd, withState(word, REST), this.#board.row(threadOf(word)), 'shutdown');
    }
    for (const row of this.#board.rows) {
      row.clearClients();
      if (row.epollFd > 0) this.#sys.close(row.epollFd);
      row.epollFd = 0;
    }
  }

  #giveUp(error: unknown): void {
    if (this.#ending !== undefined) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#closed.reject(
      error instanceof HeddleError ? error : new HeddleError('HEDDLE_THREAD_EXIT', message, { cause: error }),
    );
    void this.close();
  }

  #locks(): Lock[] {
    const own = [this.#arena.lock, ...(this.#events === undefined ? [] : [this.#events.ring.lock])];
    return [...own, ...Object.values(this.#settings.shared ?? {}).filter((value) => value instanceof Lock)];
  }
}
