/** The server as its user sees it: options in, threads started, and an orderly end. */
import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '../errors.ts';
import type { ServerEvent } from '../log/event.ts';
import { parseServeOptions, type ServeOptions, type ServeSettings } from '../options/serve-options.ts';
import { Poller } from '../reactor/poller.ts';
import { ConnectionTable } from '../sharing/connection-table.ts';
import { FREE, REST, stateOf, withState } from '../sharing/control-word.ts';
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
  readonly #events: EventStream | undefined;
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
    this.address = { host: address.address, port: address.port, family: address.family as 'IPv4' | 'IPv6' };
    this.threads = settings.threads;
    this.closed = this.#closed.promise;
    this.closed.catch(() => {});
    this.#table = ConnectionTable.create(Math.min(MOST_FDS, sys.fileLimit()));
    this.#board = ThreadBoard.create(settings.threads.max);
    this.#events = settings.onEvent && new EventStream(settings.onEvent);
    this.#epollFd = Poller.create(sys, 1).fd;
    this.#mailboxFd = sys.eventfd();
    const shared = {
      table: this.#table.buffer,
      board: this.#board.buffer,
      events: this.#events?.ring.buffer,
    };
    this.#acceptor = new AcceptorHandle(sys, {
      ...shared,
      epollFd: this.#epollFd,
      mailboxFd: this.#mailboxFd,
      listeners: [listenerFd],
      placement: settings.placement,
    });
    this.#acceptor.ended.catch((error: unknown) => this.#giveUp(error));
    this.#pool = new ThreadPool({
      size: settings.threads.min,
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
      ready: (thread) => this.#acceptor.post({ type: 'thread-ready', thread }),
      gone: (thread) => this.#acceptor.post({ type: 'thread-gone', thread }),
      failed: (error) => this.#giveUp(error),
      report: this.#events && ((event) => this.#events?.report(event)),
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
    return { ...this.#board.total(), clients, threads };
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

  async #drain(): Promise<void> {
    const deadline = new AbortController();
    const timeout = delay(this.#settings.shutdownTimeout, undefined, { signal: deadline.signal }).catch(() => {});
    const answered = this.#acceptor.drain().then(() => this.#pool.drain());
    await Promise.race([answered, timeout, this.closed.catch(() => {})]);
    deadline.abort();
    this.#ending ??= this.#end(STOP_GRACE);
    await this.#ending;
  }

  async #end(grace: number): Promise<void> {
    await this.#pool.stop(grace);
    await this.#acceptor.stop();
    this.#closeLeft();
    this.#sys.close(this.#epollFd);
    this.#sys.close(this.#mailboxFd);
    this.#events?.end();
    this.#closed.resolve(undefined);
  }

  /** Closes what the threads, which are gone now, have left open. */
  #closeLeft(): void {
    const { size } = this.#table;
    for (let fd = 0; fd < size; fd++) {
      const word = this.#table.word(fd);
      if (stateOf(word) === FREE) continue;
      this.#reportClose(fd);
      this.#table.free(fd, withState(word, REST));
      this.#sys.close(fd);
    }
    for (const row of this.#board.rows) if (row.epollFd > 0) this.#sys.close(row.epollFd);
  }

  #reportClose(fd: number): void {
    const table = this.#table;
    const address = this.#sys.addressText(table.address(fd));
    const about = { time: Date.now(), client: table.id(fd), address, port: table.port(fd), thread: 0 };
    const event: ServerEvent = { type: 'close', ...about, reason: 'shutdown' };
    this.#events?.report(event);
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
    const own = this.#events === undefined ? [] : [this.#events.ring.lock];
    return [...own, ...Object.values(this.#settings.shared ?? {}).filter((value) => value instanceof Lock)];
  }
}
