/** The server as its user sees it: options in, threads started, and an orderly end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FromAcceptor } from '../acceptor/messages.ts';
import { errorToRecord, HeddleError } from '../errors.ts';
import { parseServeOptions, type ServeOptions, type ServeSettings } from '../options/serve-options.ts';
import { type Credentials, loadCredentials } from '../options/credentials.ts';
import type { ServerEvent } from '../log/event.ts';
import { Poller } from '../reactor/poller.ts';
import type { Timeouts } from '../sharing/deadlines.ts';
import { Lock } from '../sharing/lock.ts';
import { packShared } from '../sharing/shared-values.ts';
import { openLibc } from '../sys/libc.ts';
import type { Sys } from '../sys/sys.ts';
import { AcceptorHandle } from './acceptor-handle.ts';
import { type LimitedSettings, withClientLimit } from './client-limit.ts';
import { Deferred } from './deferred.ts';
import { listen } from './listen.ts';
import type { ListeningSocket, ServerAddress } from './listening-socket.ts';
import { serviceUrl } from './service-url.ts';
import { type ServerStats, SharedMemory } from './shared-memory.ts';
import { ThreadPool } from './thread-pool.ts';

/** How often a drain looks whether clients are left, in ms. */
const DRAIN_LOOK = 5;

/** What may wait to be sent to a client by default, in bytes; more if messages may be longer. */
const LEAST_UNSENT = 2 ** 20;

/** How long a thread that was told to stop may run the service's `stop`, in ms. */
const STOP_GRACE = 1000;

/**
 * Starts a server and resolves once clients can connect and be answered. May be called on the main thread or in a
 * worker; several servers may run in one process.
 *
 * Errors: `HEDDLE_INVALID_OPTION`, `HEDDLE_LISTEN` (port or socket in use, no permission), `HEDDLE_SERVICE_LOAD`,
 * `HEDDLE_UNSUPPORTED` (not Linux).
 *
 * @example
 * const server = await serve({ service: new URL('./reverse.js', import.meta.url), port: 0 });
 * console.log(server.address.port);
 * await server.close();
 */
export async function serve(options: ServeOptions = {}): Promise<Server> {
  const given = parseServeOptions(options);
  const service = serviceUrl(given.service);
  const events: ServerEvent[] = [];
  const tls = readCredentials(given, (event) => events.push(event));
  const sys = await openLibc();
  const settings = withClientLimit(given, sys.fileLimit());
  const sockets = await listen(sys, settings);
  const server = new Server(sys, settings, service, sockets, tls);
  try {
    for (const event of events) server.report(event);
    await server.start();
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

/** Reads what the settings say of TLS, and reports what is wrong with it but not fatal. */
function readCredentials(settings: ServeSettings, report: (event: ServerEvent) => void): Credentials | undefined {
  const { tls, tlsHandshakeTimeout } = settings;
  if (tls === undefined) return undefined;
  return loadCredentials(tls, tlsHandshakeTimeout, (expired) =>
    report({ type: 'certificate-expired', time: Date.now(), ...expired }),
  );
}

/**
 * What a server is at: it starts, it serves, it was told to leave (but may still accept clients, see `drainDelay`), or it
 * serves nobody any more.
 */
export type ServerState = 'starting' | 'ready' | 'draining' | 'closed';

/** A running server; made by `serve`. */
export class Server implements AsyncDisposable {
  /** Where it listens; if in several places, the first of TCP. */
  readonly address: ServerAddress;
  /** Everywhere it listens. */
  readonly addresses: readonly ServerAddress[];
  /** How many service threads there are. */
  readonly threads: { readonly min: number; readonly max: number };
  /** Resolves when the server has ended; rejects with a HeddleError if it had to give up. */
  readonly closed: Promise<void>;
  readonly #sys: Sys;
  readonly #settings: LimitedSettings;
  readonly #memory: SharedMemory;
  readonly #sockets: readonly ListeningSocket[];
  readonly #epollFd: number;
  readonly #mailboxFd: number;
  readonly #acceptor: AcceptorHandle;
  readonly #pool: ThreadPool;
  readonly #closed = new Deferred<void>();
  #state: ServerState = 'starting';
  #draining: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  /** Used by `serve`. */
  constructor(
    sys: Sys,
    settings: LimitedSettings,
    service: URL,
    sockets: readonly ListeningSocket[],
    tls: Credentials | undefined,
  ) {
    this.#sys = sys;
    this.#settings = settings;
    this.addresses = sockets.map(({ address }) => address);
    this.address = this.addresses[0] as ServerAddress;
    this.threads = settings.threads;
    this.closed = this.#closed.promise;
    this.closed.catch(() => {});
    this.#memory = new SharedMemory(sys, settings.threads.max, settings.onEvent);
    this.#sockets = sockets;
    this.#epollFd = Poller.create(sys, 1).fd;
    this.#mailboxFd = sys.eventfd();
    this.#acceptor = this.#startAcceptor();
    this.#pool = this.#makePool(service, tls);
  }

  /** Used by `serve`: hands on an event of main's own. */
  report(event: ServerEvent): void {
    this.#memory.report(event);
  }

  /** Used by `serve`: resolves once all threads serve. */
  async start(): Promise<void> {
    await Promise.race([this.#pool.start(), this.#acceptor.ended]);
    this.#state = 'ready';
  }

  /** For whoever asks whether to send clients here: to a server that is `ready`. It turns `draining` before anything else ends. */
  get state(): ServerState {
    return this.#state;
  }

  /** Adds up what all threads have counted; reads shared memory, asks nobody. */
  stats(): ServerStats {
    return this.#memory.stats();
  }

  /**
   * Resolves when the thread that accepts clients has answered: the server is alive. For whoever watches over it.
   *
   * Errors: `HEDDLE_CLOSED` if the server has ended.
   */
  async ping(): Promise<void> {
    const answered = this.#ending === undefined && (await this.#acceptor.ping());
    if (!answered)
      throw new HeddleError('HEDDLE_CLOSED', 'The server has ended: it answers no ping. Start another one');
  }

  /**
   * Loads the service anew and hands the clients to it, without closing a connection: new threads start with the code
   * as it is now, clients at rest move to them, and what only an old thread can finish (a session, a running handler) it
   * finishes, within `shutdownTimeout`. So do TLS clients: they cannot move. Certificates and keys are read again. If the
   * new code does not start, or they cannot be used, the old goes on.
   *
   * Errors: those of `serve` for a service that does not start, `HEDDLE_INVALID_OPTION` for certificates and keys.
   */
  async reload(): Promise<void> {
    const time = Date.now();
    try {
      const tls = readCredentials(this.#settings, (event) => this.report(event));
      this.#memory.report({ type: 'reload', time, threads: await this.#pool.reload({ tls }) });
    } catch (error) {
      this.#memory.report({ type: 'reload-failed', time, error: errorToRecord(error, 'HEDDLE_SERVICE_LOAD') });
      throw error;
    }
  }

  /**
   * Leaves well: says so (`state`, event `drain`), accepts clients for `drainDelay` more, then stops accepting, answers
   * what has arrived, closes all clients, and ends; what is not done within `shutdownTimeout` is cut off.
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

  get #timeouts(): Timeouts {
    const { idleTimeout, messageTimeout, sendTimeout } = this.#settings;
    return { idleTimeout, messageTimeout, sendTimeout };
  }

  #startAcceptor(): AcceptorHandle {
    const { threads, placement, clientsPerThread, moveAfter, proxyProtocol, handlerTimeout } = this.#settings;
    const { maxClients, overflow, maxClientsPerAddress, allow, deny } = this.#settings;
    const start = {
      ...this.#memory.buffers,
      counters: this.#memory.counters.buffer,
      epollFd: this.#epollFd,
      mailboxFd: this.#mailboxFd,
      listeners: this.#sockets.map(({ fd, isShared }) => ({ fd, isShared })),
      limits: { maxClients, overflow, maxClientsPerAddress, allow, deny },
      threads,
      placement,
      clientsPerThread,
      moveAfter,
      proxies: proxyProtocol,
      handlerTimeout,
      timeouts: this.#timeouts,
    };
    const acceptor = new AcceptorHandle(this.#sys, start, this.#hear);
    acceptor.ended.catch((error: unknown) => this.#giveUp(error));
    return acceptor;
  }

  #makePool(service: URL, tls: Credentials | undefined): ThreadPool {
    const {
      framing,
      maxMessageLength,
      maxUnsent,
      shared = {},
      shutdownTimeout,
      threadMemory,
      threads,
    } = this.#settings;
    const locks = Object.values(shared).filter((value) => value instanceof Lock);
    return new ThreadPool({
      size: threads.min,
      rows: this.#memory.board.rows.length,
      patience: shutdownTimeout,
      memory: threadMemory,
      start: {
        ...this.#memory.buffers,
        acceptorEpollFd: this.#epollFd,
        mailboxFd: this.#mailboxFd,
        tls,
        service: service.href,
        framing,
        maxMessageLength,
        timeouts: this.#timeouts,
        maxUnsent: maxUnsent ?? Math.max(LEAST_UNSENT, maxMessageLength),
        shared: packShared(shared),
      },
      locks: [...this.#memory.locks, ...locks],
      tell: (type, thread) => this.#acceptor.post({ type, thread }),
      failed: (error) => this.#giveUp(error),
      report: (event) => this.#memory.report(event),
    });
  }

  readonly #hear = (message: FromAcceptor): void => {
    if (message.type === 'want-threads') this.#pool.grow(message.threads);
    else if (message.type === 'thread-empty') this.#pool.empty(message.thread);
    else if (message.type === 'thread-worn') void this.#pool.replace(message.thread);
    else if (message.type === 'thread-stuck') this.#pool.kill(message.thread);
    else if (message.type === 'thread-cleared') this.#pool.cleared(message.thread);
  };

  async #drain(): Promise<void> {
    if (this.#ending !== undefined) return this.#ending;
    const { drainDelay, shutdownTimeout } = this.#settings;
    this.#state = 'draining';
    this.report({ type: 'drain', time: Date.now(), acceptsMs: drainDelay });
    if (drainDelay > 0) await this.#within(drainDelay, () => new Promise(() => {}));
    if (this.#ending === undefined) await this.#within(shutdownTimeout, (signal) => this.#finish(signal));
    this.#ending ??= this.#end(STOP_GRACE);
    await this.#ending;
  }

  /** Resolves when `work` is done, when `ms` have passed, or when the server has been closed; `work` then hears of it. */
  async #within(ms: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const deadline = new AbortController();
    const { signal } = deadline;
    const timeout = delay(ms, undefined, { signal }).catch(() => {});
    await Promise.race([work(signal), timeout, this.closed.catch(() => {})]);
    deadline.abort();
  }

  /** Accepts no more clients, answers what has arrived, and closes all. */
  async #finish(signal: AbortSignal): Promise<void> {
    await this.#acceptor.drain();
    await this.#pool.drain();
    await this.#empty(signal);
  }

  /** Waits until no client is left: one that moved from a held thread to one that was drained already is drained there. */
  async #empty(signal: AbortSignal): Promise<void> {
    while (this.stats().clients > 0 && !signal.aborted) await delay(DRAIN_LOOK);
  }

  async #end(grace: number): Promise<void> {
    this.#state = 'closed';
    await this.#pool.stop(grace);
    await this.#acceptor.stop();
    this.#memory.closeLeft(this.#sys);
    for (const socket of this.#sockets) socket.close();
    this.#sys.close(this.#epollFd);
    this.#sys.close(this.#mailboxFd);
    this.#memory.events?.end();
    this.#closed.resolve(undefined);
  }

  #giveUp(error: unknown): void {
    if (this.#ending !== undefined) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#closed.reject(
      error instanceof HeddleError ? error : new HeddleError('HEDDLE_THREAD_EXIT', message, { cause: error }),
    );
    void this.close();
  }
}
