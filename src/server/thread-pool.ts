/** Used to have as many service threads as are needed, running the newest code, and another one when one dies. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ToAcceptor } from '../acceptor/messages.ts';
import { HeddleError } from '../errors.ts';
import type { ServerEvent } from '../log/event.ts';
import type { Releasable } from '../sharing/lock.ts';
import type { ThreadStart } from '../thread/messages.ts';
import { Deaths } from './deaths.ts';
import { type ThreadEnd, ThreadHandle } from './thread-handle.ts';

/** How long a reload waits for the threads of the last one to end, in ms, and how often it looks. */
const LAST_RELOAD = 5000;
const LAST_RELOAD_LOOK = 10;
/** As many replacements in a row that could not even start mean that none can. */
const MOST_FAILURES = 5;

/** When that many could not start but others serve, no more are asked for within this time, in ms. */
const GROW_AGAIN = 5000;

export interface ThreadPoolParts {
  /** How many threads the pool starts with. */
  readonly size: number;
  /** How many threads there may be, not counting those that have old code. */
  readonly most: number;
  /** How many rows the board has. */
  readonly rows: number;
  readonly memory: number | undefined;
  /** How long a thread with old code may take to finish what only it can do, in ms. */
  readonly patience: number;
  /** What each thread runs. */
  readonly entry: URL;
  /** What each thread is started with, but for its number. */
  readonly start: Omit<ThreadStart, 'thread'>;
  /** Locks that a thread may have had when it died. */
  readonly locks: readonly Releasable[];
  /** Tells the acceptor of a thread. */
  readonly tell: (message: Extract<ToAcceptor, { readonly thread: number }>) => void;
  /** No thread can be started any more. */
  readonly failed: (error: unknown) => void;
  readonly report: (event: ServerEvent) => void;
}

export class ThreadPool {
  readonly #parts: ThreadPoolParts;
  /** What the next thread is started with. */
  #start: ThreadPoolParts['start'];
  readonly #threads = new Map<number, ThreadHandle>();
  /** Rows of the board that no thread has. */
  readonly #rows: number[];
  readonly #leaving = new AbortController();
  /** How many threads there should be. */
  #target: number;
  #failures = 0;
  /** When it may grow again, in `performance.now()` ms. */
  #growsAt = 0;
  readonly #deaths = new Deaths();
  #isWaiting = false;
  /** Until it has, a thread that ends is the end of the pool, and is not replaced. */
  #hasStarted = false;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
    this.#start = parts.start;
    this.#target = parts.size;
    this.#rows = Array.from({ length: parts.rows }, (_, row) => row);
  }

  /** Starts the pool; rejects with the first error if a thread cannot start. */
  async start(): Promise<void> {
    const threads = this.#startThreads(this.#parts.size);
    await this.#bringIn(threads);
    this.#hasStarted = true;
    void this.#fill();
  }

  /** Has `threads` threads from now on, as far as there are rows. */
  grow(threads: number): void {
    if (performance.now() < this.#growsAt) return;
    this.#target = threads;
    void this.#fill();
  }

  /**
   * Starts as many threads as there are with the code as it is now, lets them take over, and ends the old ones when
   * they have no client any more; `changes` is what they are started with from now on. Rejects, and changes nothing, if the
   * new code does not start.
   */
  async reload(changes: Pick<ThreadStart, 'tls'>): Promise<number> {
    const latest = performance.now() + LAST_RELOAD;
    const { signal } = this.#leaving;
    const isDue = (): boolean => this.#rows.length < this.#serving.length && performance.now() < latest;
    while (isDue() && !signal.aborted) await delay(LAST_RELOAD_LOOK);
    if (signal.aborted) throw leaving();
    const old = this.#serving;
    const before = this.#start;
    this.#start = { ...before, ...changes };
    const threads = this.#startThreads(old.length);
    if (threads.length < old.length) {
      this.#start = before;
      await this.#giveUp(threads);
      throw new HeddleError('HEDDLE_THREAD_EXIT', 'Cannot reload yet: the threads of the last reload have not ended');
    }
    try {
      await this.#bringIn(threads);
    } catch (error) {
      this.#start = before;
      // Threads that are ended as they start are not to blame.
      const wasEnded = signal.aborted && error instanceof HeddleError && error.code === 'HEDDLE_THREAD_EXIT';
      throw wasEnded ? leaving() : error;
    }
    for (const thread of old) this.#retire(thread);
    return threads.length;
  }

  /** Starts another thread, then has this one give its clients away; what only it can do, it may finish. */
  async replace(thread: number): Promise<void> {
    const old = this.#threads.get(thread);
    const fresh = this.#startThreads(1);
    if (old === undefined || fresh.length === 0) return this.#giveUp(fresh);
    try {
      await this.#bringIn(fresh);
      if (this.#threads.get(thread) !== old) return; // It has ended meanwhile.
      old.isRetiring = true;
      this.#parts.tell({ type: 'thread-retire', thread });
    } catch (error) {
      this.#couldNotStart(fresh[0] as ThreadHandle, error);
    }
  }

  /** A retiring thread has no client any more. */
  empty(thread: number): void {
    const handle = this.#threads.get(thread);
    if (handle === undefined) return;
    if (!handle.isRetiring) this.#target--;
    handle.isRetiring = true;
    handle.stop();
  }

  /** Ends a thread that does not come back from its handler. */
  kill(thread: number): void {
    void this.#threads.get(thread)?.terminate('handler-timeout', 'its handler did not return');
  }

  /** The acceptor has dealt with what the thread of `row` had. */
  cleared(row: number): void {
    this.#rows.push(row);
    void this.#fill();
  }

  /** Has all threads answer what has arrived and close their clients; resolves when they have, or are gone. */
  async drain(): Promise<void> {
    this.#leaving.abort();
    const threads = [...this.#threads.values()];
    for (const thread of threads) thread.post({ type: 'drain' });
    await Promise.all(threads.map((thread) => Promise.race([thread.drained, thread.ended])));
  }

  /** Ends all threads: those that do not within `grace` ms are cut off. */
  async stop(grace: number): Promise<void> {
    this.#leaving.abort();
    const threads = [...this.#threads.values()];
    if (grace > 0) {
      for (const thread of threads) thread.stop();
      await Promise.race([Promise.all(threads.map((thread) => thread.ended)), delay(grace, undefined, { ref: false })]);
    }
    await Promise.all(threads.map((thread) => thread.terminate('stopped', 'the server has ended')));
  }

  get #serving(): readonly ThreadHandle[] {
    return [...this.#threads.values()].filter((thread) => !thread.isRetiring);
  }

  /** Starts threads, at most as many as there are rows. */
  #startThreads(count: number): ThreadHandle[] {
    const rows = this.#rows.splice(0, Math.max(0, count));
    return rows.map((row) => {
      const handle = new ThreadHandle(this.#parts.entry, { ...this.#start, thread: row }, this.#parts.memory);
      this.#threads.set(row, handle);
      void handle.ended.then((end) => this.#ended(handle, end));
      return handle;
    });
  }

  /** Hands threads to the acceptor when all of them are ready. */
  async #bringIn(threads: readonly ThreadHandle[]): Promise<void> {
    try {
      await Promise.all(threads.map((thread) => thread.ready));
    } catch (error) {
      await this.#giveUp(threads);
      throw error;
    }
    this.#failures = 0;
    for (const handle of threads) {
      const { thread } = handle;
      if (handle.isRetiring)
        handle.stop(); // The code was changed while it started.
      else {
        handle.serves = true;
        this.#parts.report({ type: 'thread-start', time: Date.now(), thread: thread + 1 });
        this.#parts.tell({ type: 'thread-ready', thread, clients: handle.takeClients() });
      }
    }
  }

  async #giveUp(threads: readonly ThreadHandle[]): Promise<void> {
    await Promise.all(threads.map((thread) => thread.terminate('stopped', 'it could not start')));
  }

  #retire(thread: ThreadHandle): void {
    thread.isRetiring = true;
    this.#parts.tell({ type: 'thread-retire', thread: thread.thread });
    const timer = setTimeout(() => void thread.terminate('stopped', 'it had old code'), this.#parts.patience);
    void thread.ended.then(() => clearTimeout(timer));
  }

  #ended(thread: ThreadHandle, end: ThreadEnd): void {
    const { locks, report, tell } = this.#parts;
    this.#threads.delete(thread.thread);
    for (const lock of locks) lock.releaseFor(thread.threadId);
    const isLeaving = this.#leaving.signal.aborted;
    if (isLeaving && end.cause === 'stopped') return;
    tell({ type: 'thread-gone', thread: thread.thread });
    if (end.cause === 'stopped') return;
    // Of one that ended as it started, whoever waits for it tells.
    if (thread.serves) report({ type: 'thread-exit', time: Date.now(), thread: thread.thread + 1, ...end });
    if (thread.isRetiring || isLeaving) return;
    this.#deaths.add(performance.now());
    if (thread.serves) this.#spare();
    void this.#fill();
  }

  /** Has some threads more while threads keep dying; they end when the acceptor finds them too many. */
  #spare(): void {
    const { most, size } = this.#parts;
    this.#target = Math.max(this.#target, Math.min(most, size + this.#deaths.spares(performance.now())));
  }

  /** Starts the threads that are missing; not at once if threads keep dying. */
  async #fill(): Promise<void> {
    const { signal } = this.#leaving;
    if (!this.#hasStarted || this.#isWaiting || signal.aborted || this.#serving.length >= this.#target) return;
    this.#isWaiting = true;
    await delay(this.#deaths.wait(performance.now()), undefined, { signal }).catch(() => {});
    this.#isWaiting = false;
    if (signal.aborted) return;
    const threads = this.#startThreads(this.#target - this.#serving.length);
    await Promise.all(
      threads.map((thread) => this.#bringIn([thread]).catch((error: unknown) => this.#couldNotStart(thread, error))),
    );
  }

  #couldNotStart(thread: ThreadHandle, error: unknown): void {
    if (this.#leaving.signal.aborted) return;
    const why = error instanceof Error ? error.message : String(error);
    this.#parts.report({
      type: 'thread-exit',
      time: Date.now(),
      thread: thread.thread + 1,
      cause: 'start',
      detail: why,
    });
    if (++this.#failures < MOST_FAILURES) {
      void this.#fill();
      return;
    }
    if (this.#serving.some(({ serves }) => serves)) {
      // Those that serve go on. If they are too few, the acceptor asks for more again and again.
      this.#failures = 0;
      this.#growsAt = performance.now() + GROW_AGAIN;
      this.#target = this.#serving.length;
      return;
    }
    const message = `No service thread can be started any more, after ${this.#failures} attempts: ${why}`;
    this.#parts.failed(new HeddleError('HEDDLE_SERVICE_LOAD', message, { cause: error }));
  }
}

function leaving(): HeddleError {
  return new HeddleError('HEDDLE_CLOSED', 'The server is leaving: it loads no new code. Start another one');
}
