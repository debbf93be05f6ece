/** Keeps as many service threads as are needed, on the newest code, and replaces one that dies. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ToAcceptor } from '../../acceptor/messages.ts';
import { HeddleError } from '../../errors.ts';
import type { ServerEvent } from '../../log/event.ts';
import type { Releasable } from '../../sharing/lock.ts';
import { isTooFewThreads } from '../../sys/thread-limit.ts';
import type { ThreadStart } from '../../thread/messages.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { StartLimit } from './start-limit.ts';
import type { ThreadEnd, ThreadHandle } from './thread-handle.ts';

/** How long a reload waits for the threads of the last one to end, in ms, and how often it looks. */
const LAST_RELOAD_TIMEOUT_MS = 5000;
const LAST_RELOAD_POLL_MS = 10;
/** As many replacements in a row that could not even start mean that none can. */
const MOST_FAILURES = 5;

/** When that many could not start but others serve, no more are asked for within this time, in ms. */
const GROW_AGAIN_MS = 5000;

/** How long the pool waits before it asks again a system that has no thread to give, in ms; and how often that is reported. */
const LIMITED_MS = 1000;
const LIMITED_REPORT_MS = 60_000;

/** How long threads may take to end once the server ends, in ms. */
const GONE_WITHIN_MS = 500;

/** How long threads may take to load the service when another could not start, in ms; then they are ended. */
const LOADED_WITHIN_MS = 5_000;

const COULD_NOT_START = 'it could not start';

/** A service thread as the pool sees it. */
export type PoolThread = Pick<ThreadHandle, keyof ThreadHandle>;

export interface ThreadPoolParts {
  /** How many threads the pool starts with. */
  readonly size: number;
  /** How many threads there may be, not counting those that have old code. */
  readonly most: number;
  /** How many rows the board has. */
  readonly rows: number;
  /** How many threads may start at the same time. */
  readonly startsAtOnce: number;
  /** How long a thread with old code may take to finish what only it can do, in ms. */
  readonly patience: number;
  /** Starts a thread. */
  readonly startThread: (start: ThreadStart) => PoolThread;
  /** What each thread is started with, but for its number. */
  readonly start: Omit<ThreadStart, 'thread'>;
  /** Locks that a thread may have had when it died. */
  readonly locks: readonly Releasable[];
  /** Tells the acceptor of a thread. */
  readonly post: (
    message: Extract<ToAcceptor, { readonly thread: number } | { readonly threads: readonly number[] }>,
  ) => void;
  /** No thread can be started any more. */
  readonly failed: (error: unknown) => void;
  readonly report: (event: ServerEvent) => void;
}

export class ThreadPool {
  readonly #parts: ThreadPoolParts;
  /** What the next thread is started with. */
  #start: ThreadPoolParts['start'];
  readonly #threads = new Map<number, PoolThread>();
  readonly #starts: StartLimit;
  /** Rows of the board that no thread has. */
  readonly #rows: number[];
  readonly #leaving = new AbortController();
  /** How many threads there should be. */
  #target: number;
  #failures = 0;
  /** When it may grow again, in `performance.now()` ms. */
  #growsAt = 0;
  /** The system had no thread to give when it was asked last. */
  #isLimited = false;
  #limitReportedAt = Number.NEGATIVE_INFINITY;
  readonly #backoff = new RestartBackoff();
  #isWaiting = false;
  /** How many threads may start without another wait, each as soon as the limit of starts allows it. */
  #due = 0;
  /** Until it has, a thread that ends is the end of the pool, and is not replaced. */
  #hasStarted = false;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
    this.#start = parts.start;
    this.#target = parts.size;
    this.#starts = new StartLimit(parts.startsAtOnce);
    this.#rows = Array.from({ length: parts.rows }, (_, row) => row);
  }

  /** Starts the pool; rejects with the first error if a thread cannot start. */
  async start(): Promise<void> {
    this.#bringIn(await this.#startAll(this.#parts.size));
    this.#hasStarted = true;
    this.#fill();
  }

  /** Has `threads` threads from now on, as far as there are rows. */
  grow(threads: number): void {
    if (performance.now() < this.#growsAt) return;
    this.#target = threads;
    this.#spare();
    this.#fill();
  }

  /**
   * Starts as many threads as there are with the code as it is now, lets them take over, and ends the old ones when
   * they have no client any more; `changes` is what they are started with from now on. Rejects, and changes nothing, if the
   * new code does not start. `begins` hears which threads are old before a client can have left them. Returns how many there are.
   */
  async reload(changes: Pick<ThreadStart, 'tls'>, begins: (old: readonly number[]) => void): Promise<number> {
    const latest = performance.now() + LAST_RELOAD_TIMEOUT_MS;
    const { signal } = this.#leaving;
    const isDue = (): boolean => this.#rows.length < this.#serving.length && performance.now() < latest;
    while (isDue() && !signal.aborted) await delay(LAST_RELOAD_POLL_MS);
    if (signal.aborted) throw leaving();
    const old = this.#serving;
    if (this.#rows.length < old.length) {
      throw new HeddleError('HEDDLE_THREAD_EXIT', 'Cannot reload yet: the threads of the last reload have not ended');
    }
    const before = this.#start;
    this.#start = { ...before, ...changes };
    try {
      const threads = await this.#startAll(old.length);
      begins(old.map(({ thread }) => thread));
      this.#bringIn(threads);
    } catch (error) {
      this.#start = before;
      // Threads that are ended as they start are not to blame.
      const wasEnded = signal.aborted && error instanceof HeddleError && error.code === 'HEDDLE_THREAD_EXIT';
      throw wasEnded ? leaving() : error;
    }
    this.#retire(old);
    return old.length;
  }

  /** Starts another thread, then has this one give its clients away; what only it can do, it may finish. */
  async replace(thread: number): Promise<void> {
    const old = this.#threads.get(thread);
    const isThere = (): boolean => old !== undefined && this.#threads.get(thread) === old && !old.isRetiring;
    const isReplaced = await this.#starts.run(async () => isThere() && (await this.#startOne()));
    this.#fill();
    if (!isReplaced || old === undefined || !isThere()) return; // It may have ended meanwhile.
    old.isRetiring = true;
    this.#parts.post({ type: 'thread-retire', threads: [thread] });
  }

  /** Has all threads seal TLS session tickets with `keys` from now on: a client may come back to any of them. */
  useTicketKeys(keys: Uint8Array): void {
    const { tls } = this.#start;
    if (tls === undefined) return;
    this.#start = { ...this.#start, tls: { ...tls, ticketKeys: keys } };
    for (const thread of this.#threads.values()) thread.post({ type: 'ticket-keys', keys });
  }

  /** Asks the clients of a thread that gets no more to leave. */
  retires(thread: number): void {
    this.#threads.get(thread)?.post({ type: 'leave' });
  }

  /** Asks the clients of all threads to leave; or no more of those that come from now on. */
  tellAll(type: 'leave' | 'stay'): void {
    for (const thread of this.#threads.values()) thread.post({ type });
  }

  /** A retiring thread has no client any more. */
  empty(thread: number): void {
    const handle = this.#threads.get(thread);
    if (handle === undefined) return;
    if (!handle.isRetiring) this.#target--;
    handle.isRetiring = true;
    handle.stop();
  }

  /** Node's number of `thread`; `undefined`: there is no such thread now. */
  threadIdOf(thread: number): number | undefined {
    return this.#threads.get(thread)?.threadId;
  }

  /** Ends a thread that does not come back from its handler. */
  kill(thread: number, detail: string): void {
    const handle = this.#threads.get(thread);
    if (handle !== undefined) this.#cutOff(handle, 'handler-timeout', detail).catch(this.#parts.failed);
  }

  /** The acceptor has dealt with what the thread of `row` had. */
  cleared(row: number): void {
    this.#rows.push(row);
    this.#fill();
  }

  /** Has all threads answer what has arrived and close their clients; resolves when they have, or are gone. */
  async drain(): Promise<void> {
    this.#leaving.abort();
    const threads = [...this.#threads.values()];
    for (const thread of threads) thread.post({ type: 'drain' });
    await Promise.all(threads.map(async (thread) => Promise.race([thread.drained, thread.over])));
  }

  /**
   * Ends all threads: those that do not within `grace` ms are cut off. Resolves with those that do not end even then: each is in a
   * system call.
   */
  async stop(grace: number): Promise<readonly PoolThread[]> {
    this.#leaving.abort();
    const threads = [...this.#threads.values()].filter(({ isLost }) => !isLost);
    if (grace > 0) {
      for (const thread of threads) thread.stop();
      await Promise.race([
        Promise.all(threads.map(async (thread) => thread.ended)),
        delay(grace, undefined, { ref: false }),
      ]);
    }
    await Promise.all(
      threads.map(async (thread) => thread.terminate('stopped', 'the server has ended', GONE_WITHIN_MS)),
    );
    return [...this.#threads.values()];
  }

  /** Ends all threads, where nothing can be awaited. */
  abandon(): void {
    for (const thread of this.#threads.values()) thread.abandon();
  }

  get #serving(): readonly PoolThread[] {
    return [...this.#threads.values()].filter((thread) => !thread.isRetiring);
  }

  /**
   * Starts `count` threads, for which there are rows, and resolves when all of them are ready. After the first error no more are
   * started, and those that were are ended.
   */
  async #startAll(count: number): Promise<readonly PoolThread[]> {
    const threads: PoolThread[] = [];
    const rows = this.#rows.splice(0, count);
    let hasFailed = false;
    const startIn = async (row: number): Promise<void> => {
      if (this.#leaving.signal.aborted) throw leaving();
      if (hasFailed) return void this.#rows.push(row);
      try {
        const thread = this.#startThread(row);
        threads.push(thread);
        await thread.ready;
      } catch (error) {
        hasFailed = true; // Before the next one has its turn.
        throw error;
      }
    };
    try {
      await Promise.all(rows.map(async (row) => this.#starts.run(async () => startIn(row))));
      return threads;
    } catch (error) {
      // Node 20 aborts the process if a thread is ended while it loads an ES module: what loads comes to its end, or fails, by itself.
      const loaded = Promise.allSettled(threads.map(async (thread) => thread.ready));
      await Promise.race([loaded, delay(LOADED_WITHIN_MS, undefined, { ref: false })]);
      await this.#giveUp(threads);
      throw error;
    } finally {
      this.#fill();
    }
  }

  /** Starts one thread and hands it to the acceptor; false if there is no row for it, or it could not start. */
  async #startOne(): Promise<boolean> {
    const row = this.#leaving.signal.aborted ? undefined : this.#rows.shift();
    if (row === undefined) return false;
    let thread: PoolThread | undefined;
    try {
      thread = this.#startThread(row);
      await thread.ready;
      this.#bringIn([thread]);
      return true;
    } catch (error) {
      if (thread !== undefined) await this.#cutOff(thread, 'stopped', COULD_NOT_START);
      this.#couldNotStart(row, error);
      return false;
    }
  }

  /** Throws if the system has no thread to give. */
  #startThread(row: number): PoolThread {
    try {
      const thread = this.#parts.startThread({ ...this.#start, thread: row });
      this.#threads.set(row, thread);
      thread.ended.then((end) => this.#ended(thread, end)).catch(this.#parts.failed);
      return thread;
    } catch (error) {
      this.#rows.push(row);
      throw error;
    }
  }

  /** Hands threads that are ready to the acceptor. */
  #bringIn(threads: readonly PoolThread[]): void {
    this.#failures = 0;
    this.#isLimited = false;
    for (const handle of threads) {
      const { thread } = handle;
      if (handle.isRetiring)
        handle.stop(); // The code was changed while it started.
      else {
        handle.serves = true;
        this.#parts.report({ type: 'thread-start', time: Date.now(), thread: thread + 1 });
        this.#parts.post({ type: 'thread-ready', thread, clients: handle.takeClients() });
      }
    }
  }

  async #giveUp(threads: readonly PoolThread[]): Promise<void> {
    await Promise.all(threads.map(async (thread) => this.#cutOff(thread, 'stopped', COULD_NOT_START)));
  }

  /** Ends `thread` wherever it is. If it does not end, another one takes its place; its row stays its own. */
  async #cutOff(thread: PoolThread, cause: string, detail: string): Promise<void> {
    const hasEnded = await thread.terminate(cause, detail);
    if (hasEnded || thread.isLost) return;
    thread.lose();
    thread.isRetiring = true;
    this.#parts.report({ type: 'thread-lost', time: Date.now(), thread: thread.thread + 1 });
    if (thread.serves) this.#parts.post({ type: 'thread-lost', thread: thread.thread });
    this.#fill();
  }

  #retire(threads: readonly PoolThread[]): void {
    // All at once: the clients of one move to none of the others.
    this.#parts.post({ type: 'thread-retire', threads: threads.map(({ thread }) => thread) });
    const { failed, patience } = this.#parts;
    for (const thread of threads) {
      thread.isRetiring = true;
      const end = (): void => void this.#cutOff(thread, 'stopped', 'it had old code').catch(failed);
      const timer = setTimeout(end, patience);
      thread.ended.then(() => clearTimeout(timer)).catch(failed);
    }
  }

  #ended(thread: PoolThread, end: ThreadEnd): void {
    const { locks, report, post } = this.#parts;
    this.#threads.delete(thread.thread);
    for (const lock of locks) lock.releaseFor(thread.threadId);
    const isLeaving = this.#leaving.signal.aborted;
    if (isLeaving && end.cause === 'stopped') return;
    post({ type: 'thread-gone', thread: thread.thread, hasDied: end.cause !== 'stopped' });
    if (end.cause === 'stopped') return;
    // Of one that ended as it started, whoever waits for it tells.
    if (thread.serves) report({ type: 'thread-exit', time: Date.now(), thread: thread.thread + 1, ...end });
    if (thread.isRetiring || isLeaving) return;
    this.#backoff.add(performance.now());
    if (thread.serves) this.#spare();
    this.#fill();
  }

  /** Has some threads more while threads keep dying; they end when the acceptor finds them too many. */
  #spare(): void {
    const { most, size } = this.#parts;
    this.#target = Math.max(this.#target, Math.min(most, size + this.#backoff.spares(performance.now())));
  }

  /** How many threads are missing that there are rows for. */
  get #missing(): number {
    if (!this.#hasStarted || this.#leaving.signal.aborted) return 0;
    return Math.max(0, Math.min(this.#target - this.#serving.length, this.#rows.length));
  }

  /** Starts the threads that are missing, each as soon as a start is allowed; not at once if threads keep dying. */
  #fill(): void {
    this.#startMissing().catch(this.#parts.failed);
  }

  async #startMissing(): Promise<void> {
    this.#due = Math.min(this.#due, this.#missing);
    if (this.#missing === 0 || this.#starts.isReached || this.#isWaiting) return;
    if (this.#due === 0) await this.#backOff();
    while (this.#due > 0 && !this.#starts.isReached) {
      this.#due--;
      this.#starts
        .run(async () => this.#startOne())
        .then(() => this.#fill())
        .catch(this.#parts.failed);
    }
  }

  /** Waits, if it must; all threads that are missing then may start. */
  async #backOff(): Promise<void> {
    const wait = this.#isLimited ? LIMITED_MS : this.#backoff.wait(performance.now());
    this.#isWaiting = true;
    if (wait > 0) await delay(wait, undefined, { signal: this.#leaving.signal }).catch(() => {});
    this.#isWaiting = false;
    this.#due = this.#missing;
  }

  #couldNotStart(row: number, error: unknown): void {
    if (this.#leaving.signal.aborted) return;
    if (isTooFewThreads(error)) return this.#limited(error);
    const why = error instanceof Error ? error.message : String(error);
    this.#parts.report({
      type: 'thread-exit',
      time: Date.now(),
      thread: row + 1,
      cause: 'start',
      detail: why,
    });
    if (++this.#failures < MOST_FAILURES) return; // It is tried again.
    if (this.#serves > 0) return this.#goOn();
    const message = `No service thread can be started any more, after ${this.#failures} attempts: ${why}`;
    this.#parts.failed(new HeddleError('HEDDLE_SERVICE_LOAD', message, { cause: error }));
  }

  /** How many threads serve. */
  get #serves(): number {
    return this.#serving.filter(({ serves }) => serves).length;
  }

  /** The threads that serve go on. If they are too few, the acceptor asks for more again and again. */
  #goOn(): void {
    this.#failures = 0;
    this.#growsAt = performance.now() + GROW_AGAIN_MS;
    this.#target = this.#serving.length;
  }

  /** No thread can be started for now. Without one that serves, the pool asks until it gets one: clients wait in the kernel. */
  #limited({ message }: HeddleError): void {
    const now = performance.now();
    const threads = this.#serves;
    this.#isLimited = true;
    this.#due = 0;
    if (threads > 0) this.#goOn();
    if (now - this.#limitReportedAt < LIMITED_REPORT_MS) return;
    this.#limitReportedAt = now;
    this.#parts.report({ type: 'threads-limited', time: Date.now(), threads, detail: message });
  }
}

function leaving(): HeddleError {
  return new HeddleError('HEDDLE_CLOSED', 'The server is leaving: it loads no new code. Start another one');
}
