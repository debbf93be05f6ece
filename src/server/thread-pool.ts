/** Used to have the right number of service threads, and another one when one dies. */
import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '../errors.ts';
import type { ServerEvent } from '../log/event.ts';
import { Lock } from '../sharing/lock.ts';
import type { ThreadStart } from '../thread/messages.ts';
import { ThreadHandle } from './thread-handle.ts';

/** The first wait before a thread that died young is replaced, in ms; it doubles each time, up to the longest. */
const FIRST_WAIT = 50;
const LONGEST_WAIT = 5000;
/** A thread that served for this long, in ms, did not die young. */
const GROWN_UP = 10_000;
/** As many replacements that could not even start mean that none can. */
const MOST_FAILURES = 5;

export interface ThreadPoolParts {
  /** How many threads the pool starts with. */
  readonly size: number;
  readonly memory: number | undefined;
  /** What each thread is started with, but for its number. */
  readonly start: Omit<ThreadStart, 'thread'>;
  /** Locks that a thread may have had when it died. */
  readonly locks: readonly Lock[];
  readonly ready: (thread: number) => void;
  readonly gone: (thread: number) => void;
  /** No thread can be started any more. */
  readonly failed: (error: unknown) => void;
  readonly report: ((event: ServerEvent) => void) | undefined;
}

export class ThreadPool {
  readonly #parts: ThreadPoolParts;
  readonly #threads = new Map<number, ThreadHandle>();
  readonly #leaving = new AbortController();
  #failures = 0;
  #wait = 0;

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts;
  }

  /** Starts all threads; rejects with the first one's error if one cannot start. */
  async start(): Promise<void> {
    const numbers = Array.from({ length: this.#parts.size }, (_, thread) => thread);
    await Promise.all(numbers.map((thread) => this.#startThread(thread)));
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
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  async #startThread(thread: number): Promise<void> {
    const { memory, ready, start } = this.#parts;
    const handle = new ThreadHandle({ ...start, thread }, memory);
    this.#threads.set(thread, handle);
    const started = performance.now();
    void handle.ended.then((end) => this.#ended(handle, end, started));
    await handle.ready;
    this.#failures = 0;
    this.#parts.report?.({ type: 'thread-start', time: Date.now(), thread: thread + 1 });
    ready(thread);
  }

  #ended(handle: ThreadHandle, end: { cause: string; detail: string }, started: number): void {
    const { gone, locks, report } = this.#parts;
    this.#threads.delete(handle.thread);
    for (const lock of locks) lock.releaseFor(handle.threadId);
    if (this.#leaving.signal.aborted) return;
    report?.({ type: 'thread-exit', time: Date.now(), thread: handle.thread + 1, ...end });
    gone(handle.thread);
    if (performance.now() - started > GROWN_UP) this.#wait = 0;
    void this.#replace(handle.thread);
  }

  async #replace(thread: number): Promise<void> {
    const { signal } = this.#leaving;
    const wait = this.#wait;
    this.#wait = Math.min(LONGEST_WAIT, Math.max(FIRST_WAIT, wait * 2));
    try {
      await delay(wait, undefined, { signal });
      await this.#startThread(thread);
    } catch (error) {
      if (signal.aborted || ++this.#failures < MOST_FAILURES) return;
      const why = error instanceof Error ? error.message : String(error);
      const message = `No service thread can be started any more, after ${this.#failures} attempts: ${why}`;
      this.#parts.failed(new HeddleError('HEDDLE_SERVICE_LOAD', message, { cause: error }));
    }
  }
}
