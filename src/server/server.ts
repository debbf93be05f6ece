/** Runs a server as its user sees it: options in, threads started, a graceful shutdown. */
import { channel } from 'node:diagnostics_channel';
import { isMainThread } from 'node:worker_threads';
import type { FromAcceptor } from '../acceptor/messages.ts';
import { notReading } from '../admin/not-reading.ts';
import type { ServerStats } from '../admin/server-stats.ts';
import { crash, errorToRecord, HeddleError } from '../errors.ts';
import { withNeeds } from '../options/needs.ts';
import { parseServeOptions, type ServeOptions, type ServeSettings } from '../options/serve-options.ts';
import type { LimitedSettings } from '../options/thread-settings.ts';
import { type Credentials, loadCredentials } from '../options/tls/credentials.ts';
import { type NameOf, nameInLibrary } from '../options/source.ts';
import { renewTicketKeys } from '../options/tls/ticket-keys.ts';
import { printError } from '../log/error-log.ts';
import type { ServerEvent } from '../log/event.ts';
import type { ThreadStart } from '../thread/messages.ts';
import { requireFile } from '../thread/no-such-service.ts';
import { UnknownNeeds } from '../thread/unknown-needs.ts';
import { Lock } from '../sharing/lock.ts';
import { tooFewFiles } from '../sys/file-limit.ts';
import { requireThreads } from '../sys/permissions.ts';
import { ensureStack } from '../sys/stack-room.ts';
import type { AcceptorHandle } from './acceptor-handle.ts';
import { withClientLimit } from './client-limit.ts';
import { Deferred } from './deferred.ts';
import type { Engine, EngineName } from './engine.ts';
import { addressText, type ServerAddress } from '../listen/listening-socket.ts';
import { withMemoryLimits } from './memory-limit.ts';
import { Deploys } from './deploys/deploys.ts';
import { Leaving } from './leaving.ts';
import { controlOf, Doors } from './watch/doors.ts';
import { openEngine } from './open-engine.ts';
import { SingleFlight } from './single-flight.ts';
import { serviceText, serviceUrl } from './service-url.ts';
import { SharedMemory } from './shared-memory.ts';
import { ThreadHandle } from './threads/thread-handle.ts';
import { errorOfService } from './threads/service-trial.ts';
import { ThreadPool } from './threads/thread-pool.ts';
import { Watch } from './watch/watch.ts';
import { acceptorStart, serviceThreadStart } from './threads/thread-starts.ts';
import { cpuCount } from '../sys/cpu-count.ts';

/** Where all events of all servers of this thread are published, beside `onEvent`. */
const EVENTS = channel('heddle:event');

const STANDSTILL =
  'All service threads have been blocked for 30 s: nobody is served. Have handlers return sooner, or allow more threads';

/**
 * Starts a server and resolves once clients can connect and be answered. May be called on the main thread or in a
 * worker; several servers may run in one process.
 *
 * Errors: `HEDDLE_INVALID_OPTION`, `HEDDLE_LISTEN` (port or socket in use, no permission), `HEDDLE_SERVICE_LOAD`,
 * `HEDDLE_UNSUPPORTED` (no engine can run here, or not the one that was asked for, or it cannot do what an option asks, or
 * too few files may be open, or too few threads started).
 *
 * `nameOf` is for the command, whose options have other names in errors.
 *
 * @example
 * const server = await serve({ service: new URL('./reverse.js', import.meta.url), port: 0 });
 * console.log(server.address.port);
 * await server.close();
 */
export async function serve(options: ServeOptions = {}, nameOf: NameOf = nameInLibrary): Promise<Server> {
  try {
    return await startServer(options, nameOf, {});
  } catch (error) {
    if (!(error instanceof UnknownNeeds)) throw error;
    const path = serviceText(serviceUrl(options.service));
    return startServer(withNeeds(options, error.needs, path, nameOf), nameOf, error.needs);
  }
}

/** The same; `needs`: what is known that the service needs. Rejects with `UnknownNeeds` if it needs something else. */
async function startServer(options: ServeOptions, nameOf: NameOf, needs: object): Promise<Server> {
  const given = parseServeOptions(options);
  const service = serviceUrl(given.service);
  requireThreads();
  requireFile(service); // Before a port that is in use hides it.
  const events: ServerEvent[] = [];
  const tls = readCredentials(given, nameOf, (event) => events.push(event));
  const engine = openEngine(given.engine, nameOf);
  const settings = withMemoryLimits(withClientLimit(given, engine, nameOf));
  const explained = async (error: unknown) => errorOfService(error, engine.threadProgram, { service, needs }, settings);
  const addresses = await engine.listen(settings, nameOf).catch(async (error: unknown) => {
    throw await explained(error);
  });
  const server = makeServer({ engine, settings, nameOf, service, needs, addresses, tls });
  try {
    for (const event of events) server.report(event);
    await server.start();
  } catch (error) {
    await server.close();
    throw tooFewFiles(error) ?? (await explained(error));
  }
  return server;
}

/** Makes a server for sockets that are open; if that fails, they are closed. */
function makeServer(parts: ServerParts): Server {
  try {
    return new Server(parts);
  } catch (error) {
    parts.engine.discard();
    throw tooFewFiles(error) ?? error;
  }
}

/** Reads what the settings say of TLS, and reports what is wrong with it but not fatal. */
function readCredentials(
  settings: ServeSettings,
  nameOf: NameOf,
  report: (event: ServerEvent) => void,
): Credentials | undefined {
  const { tls, tlsHandshakeTimeout } = settings;
  if (tls === undefined) return undefined;
  return loadCredentials(tls, tlsHandshakeTimeout, nameOf, (expired) =>
    report({ type: 'certificate-expired', time: Date.now(), ...expired }),
  );
}

/**
 * What a server is at: it starts, it serves, it was told to leave (but may still accept clients, see `drainDelay`), or it
 * serves nobody any more.
 */
export type ServerState = 'starting' | 'ready' | 'draining' | 'closed';

interface ServerParts {
  readonly engine: Engine;
  readonly settings: LimitedSettings;
  readonly nameOf: NameOf;
  readonly service: URL;
  readonly needs: object;
  readonly addresses: readonly ServerAddress[];
  readonly tls: Credentials | undefined;
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
  readonly #nameOf: NameOf;
  readonly #memory: SharedMemory;
  readonly #acceptor: AcceptorHandle;
  readonly #pool: ThreadPool;
  /** Left out without TLS. */
  readonly #stopRenewing: (() => void) | undefined;
  readonly #watch: Watch;
  readonly #deploys: Deploys;
  readonly #doors: Doors;
  /** What new threads get; left out without TLS. */
  #credentials: Credentials | undefined;
  readonly #closed = new Deferred<void>();
  readonly #leaving: Leaving;
  readonly #reloads = new SingleFlight(async () => this.#reload());
  /** All threads have served. */
  #hasStarted = false;
  #ending: Promise<void> | undefined;
  #lost = 0;

  /** @internal */
  constructor({ engine, settings, nameOf, service, needs, addresses, tls }: ServerParts) {
    this.#engine = engine;
    this.engine = engine.name;
    this.#settings = settings;
    this.#nameOf = nameOf;
    this.addresses = addresses;
    this.address = this.addresses[0] as ServerAddress;
    this.threads = settings.threads;
    this.closed = this.#closed.promise;
    this.closed.catch(() => {});
    this.#memory = new SharedMemory(engine.fileLimit(), { ...settings, onEvent: this.#listener(settings) });
    this.#credentials = tls;
    // First: it refuses what threads cannot share.
    const start = serviceThreadStart(settings, this.#memory, { service, needs }, tls, nameOf);
    this.#deploys = new Deploys({
      memory: this.#memory,
      totals: () => this.#watch.ownTotals(),
      report: (event) => this.report(event),
    });
    this.#acceptor = this.#startAcceptor();
    this.#pool = this.#makePool(start);
    this.#watch = this.#makeWatch();
    this.#doors = new Doors({
      settings,
      controlled: this.#watch,
      peerUid: (fd) => engine.peerUid(fd),
      nameOf,
      report: (event) => this.report(event),
    });
    this.#leaving = this.#makeLeaving();
    if (!isMainThread) process.on('exit', this.#abandon);
    this.#stopRenewing = tls && renewTicketKeys((keys) => this.#pool.useTicketKeys(keys));
  }

  /**
   * Hands on an event of main's own. For `serve`.
   *
   * @internal
   */
  report(event: ServerEvent): void {
    this.#memory.report(event);
  }

  /**
   * Resolves once all threads serve. For `serve`.
   *
   * @internal
   */
  async start(): Promise<void> {
    const takesOver = this.#settings.takeOver !== undefined;
    if (!takesOver) await this.#doors.open();
    await Promise.race([this.#begin(), this.#acceptor.ended]);
    this.#hasStarted = true;
    if (takesOver) this.#doors.openSoon(); // The process before this one may have them for a moment longer.
  }

  /**
   * Opens the control socket. For the command, which has one unless told otherwise. Errors: `HEDDLE_LISTEN`.
   *
   * @internal
   */
  async openControl(path: string): Promise<void> {
    if (this.#ending === undefined) await this.#doors.openControl(path);
  }

  /** Has all events pass by whoever watches; `undefined`: nobody wants those that are no errors. */
  #listener(settings: LimitedSettings): LimitedSettings['onEvent'] {
    const isWanted = EVENTS.hasSubscribers || controlOf(settings) !== undefined;
    const listener = settings.onEvent ?? (isWanted ? printError : undefined);
    return (
      listener &&
      ((event) => {
        const noted = this.#watch.note(event);
        EVENTS.publish(noted);
        listener(noted);
      })
    );
  }

  /** Where the control socket is; `undefined` without one. */
  get controlPath(): string | undefined {
    return this.#doors.controlPath;
  }

  /** Where metrics and probes are served; `undefined` without the option `metrics`. */
  get metricsAddress(): { readonly host: string; readonly port: number } | undefined {
    return this.#doors.metricsAddress;
  }

  /** For whoever asks whether to send clients here: to a server that is `ready`. It turns `draining` before anything else ends. */
  get state(): ServerState {
    if (this.#ending !== undefined) return 'closed';
    if (this.#leaving.isOn) return 'draining';
    return this.#hasStarted ? 'ready' : 'starting';
  }

  /**
   * How many threads did not end with the server: each is in a system call. `process.exit()` would wait for them. For the command.
   *
   * @internal
   */
  get lostThreads(): number {
    return this.#lost;
  }

  /** Adds up what all threads have counted; reads shared memory, asks nobody. */
  stats(): ServerStats {
    return { ...this.#memory.stats(), ...notReading(this.#memory.table) };
  }

  /**
   * Resolves when the thread that accepts clients has answered: the server is alive. For whoever watches over it.
   *
   * Errors: `HEDDLE_CLOSED` if the server has ended, `HEDDLE_TIMEOUT` if no service thread has been free for 30 s.
   */
  async ping(): Promise<void> {
    const isAlive = this.#ending === undefined && (await this.#acceptor.ping());
    if (isAlive) return;
    if (this.#ending === undefined && !this.#acceptor.isOver) throw new HeddleError('HEDDLE_TIMEOUT', STANDSTILL);
    throw new HeddleError('HEDDLE_CLOSED', 'The server has ended: it answers no ping. Start another one');
  }

  /**
   * Loads the service anew and hands the clients to it, without closing a connection: new threads start with the code
   * as it is now, idle clients move to them, and what only an old thread can finish (a session, a running handler) it
   * finishes, within `shutdownTimeout`. So do TLS clients: they cannot move. Certificates and keys are read again. If the
   * new code does not start, or they cannot be used, the old goes on. Calls during a reload share the next one.
   *
   * Errors: those of `serve` for a service that does not start, `HEDDLE_INVALID_OPTION` for certificates and keys,
   * `HEDDLE_CLOSED` if the server is leaving or has ended.
   */
  async reload(): Promise<void> {
    ensureStack();
    return this.#reloads.ask();
  }

  /**
   * Leaves well: says so (`state`, event `drain`), accepts clients for `drainDelay` more, then stops accepting, answers
   * what has arrived, closes all clients, and ends; what is not done within `shutdownTimeout` is cut off.
   */
  async drain(): Promise<void> {
    ensureStack();
    return this.#leaving.drain();
  }

  /** Ends at once: all clients are closed, whatever they have sent. */
  async close(): Promise<void> {
    ensureStack();
    this.#ending ??= this.#end(0);
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Nobody else hears of this server before its threads serve: one that cannot start changes nothing. */
  async #begin(): Promise<void> {
    await this.#pool.start();
    await this.#engine.takeOver(this.#acceptor);
  }

  #startAcceptor(): AcceptorHandle {
    const acceptor = this.#engine.startAcceptor(acceptorStart(this.#settings, this.#memory), this.#onAcceptorMessage);
    acceptor.ended.catch(this.#failed);
    return acceptor;
  }

  #makePool(start: Omit<ThreadStart, 'thread'>): ThreadPool {
    const { shared = {}, shutdownTimeout, threadMemory, threads } = this.#settings;
    return new ThreadPool({
      size: threads.min,
      most: threads.max,
      rows: this.#memory.board.rows.length,
      patience: shutdownTimeout,
      startsAtOnce: cpuCount(),
      startThread: (itsStart) => new ThreadHandle(this.#engine.threadProgram, itsStart, threadMemory),
      start: { ...start, ...this.#engine.threadExtras() },
      locks: [...this.#memory.locks, ...Object.values(shared).filter((value) => value instanceof Lock)],
      post: (message) => this.#acceptor.post(message),
      failed: this.#failed,
      report: (event) => {
        if (event.type === 'thread-lost') this.#deploys.lost(event.thread - 1);
        this.#memory.report(event);
      },
    });
  }

  #makeWatch(): Watch {
    return new Watch({
      engine: this.#engine,
      settings: this.#settings,
      memory: this.#memory,
      addresses: this.addresses.map(addressText),
      state: () => this.state,
      credentials: () => this.#credentials,
      isAsked: () => this.#doors.areWanted,
      ping: async () => this.ping(),
      post: (message) => this.#acceptor.post(message),
      threadIdOf: (thread) => this.#pool.threadIdOf(thread),
      deploys: this.#deploys,
    });
  }

  #makeLeaving(): Leaving {
    return new Leaving({
      settings: this.#settings,
      table: this.#memory.table,
      acceptor: this.#acceptor,
      pool: this.#pool,
      doors: this.#doors,
      report: (event) => this.report(event),
      closed: this.closed,
      ending: (): Promise<void> | undefined => this.#ending,
      end: async (grace, detail) => {
        this.#ending ??= this.#end(grace, detail);
        return this.#ending;
      },
    });
  }

  readonly #failed = (error: unknown): void => this.#giveUp(error);

  readonly #onAcceptorMessage = (message: FromAcceptor): void => {
    this.#deploys.onMessage(message);
    if (message.type === 'want-threads') this.#pool.grow(message.threads);
    else if (message.type === 'thread-retires') this.#pool.retires(message.thread);
    else if (message.type === 'thread-empty') this.#pool.empty(message.thread);
    else if (message.type === 'thread-demoted') this.#replaceDemoted(message.thread);
    else if (message.type === 'thread-overdue') this.#pool.kill(message.thread, message.detail);
    else if (message.type === 'thread-cleared') this.#pool.cleared(message.thread);
    else if (message.type === 'block-long' || message.type === 'block-ended') this.#watch.noteBlock(message);
    else if (message.type === 'succeeded') this.#leaving.handOver(message.pid).catch(this.#failed);
    else if (message.type === 'successor-lost') this.#leaving.goOn(message.pid);
  };

  #replaceDemoted(thread: number): void {
    this.#watch.noteDemoted();
    this.#pool.replace(thread).catch(this.#failed);
  }

  async #reload(): Promise<void> {
    const [time, since] = [Date.now(), performance.now()];
    try {
      const tls = readCredentials(this.#settings, this.#nameOf, (event) => this.report(event));
      const threads = await this.#pool.reload({ tls }, (old) => this.#deploys.reloaded(old, since));
      this.#credentials = tls;
      this.#memory.report({ type: 'reload', time, threads });
    } catch (thrown) {
      const error = errorToRecord(thrown, 'HEDDLE_SERVICE_LOAD');
      this.#memory.report({ type: 'reload-failed', time, error });
      this.#deploys.failed('reload', since, error.message);
      throw thrown;
    }
  }

  /** `detail`: why clients are left, if that is not in order. */
  async #end(grace: number, detail?: string): Promise<void> {
    this.#doors.close();
    this.#watch.close();
    this.#stopRenewing?.();
    const lost = await this.#pool.stop(grace);
    await this.#acceptor.stop();
    this.#lost = lost.length;
    const numbers = lost.map(({ thread }) => thread);
    this.#engine.end(this.#memory, this.#leaving.successor !== undefined, detail, numbers);
    for (const { thread, ended } of lost) ended.then(() => this.#engine.endLost(this.#memory, thread)).catch(crash);
    process.off('exit', this.#abandon);
    this.#reportHandOver();
    await this.#deploys.end();
    this.#memory.events.end();
    this.#closed.resolve(undefined);
  }

  /** The worker that has called `serve` ends without `close`: what its threads leave open would stay so. */
  readonly #abandon = (): void => {
    this.#acceptor.wake();
    this.#pool.abandon();
    this.#engine.abandon(this.#memory);
    this.#memory.events.end();
  };

  #reportHandOver(): void {
    const { successor } = this.#leaving;
    if (successor === undefined) return;
    const { handedOver: clients } = this.#memory.counters;
    this.report({ type: 'handed-over', time: Date.now(), successor, clients });
  }

  #giveUp(reason: unknown): void {
    if (this.#ending !== undefined) return;
    const message = reason instanceof Error ? reason.message : String(reason);
    this.#closed.reject(
      reason instanceof HeddleError ? reason : new HeddleError('HEDDLE_THREAD_EXIT', message, { cause: reason }),
    );
    this.close().catch(() => {}); // It was told already.
  }
}
