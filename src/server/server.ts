/** The server as its user sees it: options in, threads started, and an orderly end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FromAcceptor } from '../acceptor/messages.ts';
import { errorToRecord, HeddleError } from '../errors.ts';
import { parseServeOptions, type ServeOptions, type ServeSettings } from '../options/serve-options.ts';
import { type Credentials, loadCredentials } from '../options/credentials.ts';
import type { ServerEvent } from '../log/event.ts';
import type { Timeouts } from '../sharing/deadlines.ts';
import { Lock } from '../sharing/lock.ts';
import { packShared } from '../sharing/shared-values.ts';
import type { AcceptorHandle } from './acceptor-handle.ts';
import { type LimitedSettings, withClientLimit } from './client-limit.ts';
import { Deferred } from './deferred.ts';
import type { Engine, EngineName } from './engine.ts';
import type { ServerAddress } from './listening-socket.ts';
import { openEngine } from './open-engine.ts';
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
 * `HEDDLE_UNSUPPORTED` (no engine can run here, or not the one that was asked for).
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
  const engine = await openEngine(given.engine);
  const settings = withClientLimit(given, engine.fileLimit());
  const addresses = await engine.listen(settings);
  const server = new Server(engine, settings, service, addresses, tls);
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
  const { proxyProtocol, tls, tlsHandshakeTimeout } = settings;
  if (tls === undefined) return undefined;
  if (proxyProtocol.length > 0) {
    const what = 'options.proxyProtocol does not go with options.tls: have the load balancer end TLS, or leave one out';
    throw new HeddleError('HEDDLE_INVALID_OPTION', what);
  }
  return loadCredentials(tls, tlsHandshakeTimeout, (expired) =>
    report({ type: 'certificate-expired', time: Date.now(), ...expired }),
  );
}

/** A running server; made by `serve`. */
export class Server implements AsyncDisposable {
  /** Where it listens; if in several places, the first of TCP. */
  readonly address: ServerAddress;
  /** Everywhere it listens. */
  readonly addresses: readonly ServerAddress[];
  /** What it reaches its sockets through. With `net`, clients stay on the thread that they get. */
  readonly engine: EngineName;
  /** How many service threads there are. */
  readonly threads: { readonly min: number; readonly max: number };
  /** Resolves when the server has ended; rejects with a HeddleError if it had to give up. */
  readonly closed: Promise<void>;
  readonly #engine: Engine;
  readonly #settings: LimitedSettings;
  readonly #memory: SharedMemory;
  readonly #acceptor: AcceptorHandle;
  readonly #pool: ThreadPool;
  readonly #closed = new Deferred<void>();
  #draining: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  /** Used by `serve`. */
  constructor(
    engine: Engine,
    settings: LimitedSettings,
    service: URL,
    addresses: readonly ServerAddress[],
    tls: Credentials | undefined,
  ) {
    this.#engine = engine;
    this.engine = engine.name;
    this.#settings = settings;
    this.addresses = addresses;
    this.address = this.addresses[0] as ServerAddress;
    this.threads = settings.threads;
    this.closed = this.#closed.promise;
    this.closed.catch(() => {});
    this.#memory = new SharedMemory(engine.fileLimit(), settings.threads.max, settings.onEvent);
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
      limits: { maxClients, overflow, maxClientsPerAddress, allow, deny },
      threads,
      placement,
      clientsPerThread,
      moveAfter,
      proxies: proxyProtocol,
      handlerTimeout,
      timeouts: this.#timeouts,
    };
    const acceptor = this.#engine.startAcceptor(start, this.#hear);
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
      entry: this.#engine.threadEntry,
      start: {
        ...this.#memory.buffers,
        ...this.#engine.threadExtras(),
        tls,
        service: service.href,
        framing,
        maxMessageLength,
        timeouts: this.#timeouts,
        maxUnsent: maxUnsent ?? Math.max(LEAST_UNSENT, maxMessageLength),
        shared: packShared(shared),
      },
      locks: [...this.#memory.locks, ...locks],
      tell: (message) => this.#acceptor.post(message),
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
    const deadline = new AbortController();
    const timeout = delay(this.#settings.shutdownTimeout, undefined, { signal: deadline.signal }).catch(() => {});
    const answered = this.#acceptor
      .drain()
      .then(() => this.#pool.drain())
      .then(() => this.#empty(deadline.signal));
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
    this.#engine.end(this.#memory);
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
