/** Takes CPU profiles of threads that somebody asks for, with V8's sampling profiler: no thread is paused. */
import { url as debuggerUrl } from 'node:inspector';
import { setTimeout as delay } from 'node:timers/promises';
import { Refused } from '../refused.ts';
import type { CpuProfile } from './place.ts';
import { lastPart } from './last-part.ts';
import { MAY_DEOPTIMIZE, SAMPLING_US } from './sampler.ts';
import { WorkerSessions } from './worker-sessions.ts';

/** A thread that runs JavaScript answers sooner, in ms. */
const NATIVE_MS = 5_000;

/** A thread, by its number and by Node's number of it. */
export interface ProfiledThread {
  readonly thread: number;
  readonly threadId: number;
}

/** The profile of a thread, or why there is none. */
export type ThreadProfile = { readonly thread: number } & (
  | { readonly profile: CpuProfile }
  | { readonly problem: string }
);

/** The inspectors of threads, by Node's numbers of them. */
export type Inspectors = Pick<WorkerSessions, 'attached' | 'ask' | 'close'>;

export interface ProfilerParts {
  /** Whether the system starts one more thread for this process. */
  readonly canStartThread: () => boolean;
  /** A test passes its own. */
  readonly attach?: () => Inspectors;
  /** Where a debugger is or may be attached to this process; `undefined`: nowhere. */
  readonly debuggedAt?: () => string | undefined;
}

export class Profiler {
  readonly #parts: Required<ProfilerParts>;
  #running: string | undefined;
  /** One profile starts after the other. */
  #starting: Promise<unknown> = Promise.resolve();

  constructor(parts: ProfilerParts) {
    this.#parts = { attach: () => new WorkerSessions(), debuggedAt: debuggerUrl, ...parts };
  }

  /**
   * Profiles all these threads at the same time, for `ms`. Rejects if `signal` is aborted before.
   * Errors: `Refused` while other threads are profiled, and where a debugger is attached.
   */
  async profile(threads: readonly ProfiledThread[], ms: number, signal: AbortSignal): Promise<ThreadProfile[]> {
    this.#refuse();
    const sessions = this.#parts.attach();
    this.#running = threads.map(({ thread }) => thread).join(', ');
    const end = (): void => {
      // Or the threads would go on with it. One that is in native code comes to it later.
      for (const { threadId } of threads) sessions.ask(threadId, 'Profiler.disable').catch(() => {});
      sessions.close();
    };
    signal.addEventListener('abort', end);
    try {
      const profiles = threads.map(async (thread) => this.#profileOrProblem(sessions, thread, ms, signal));
      return await Promise.all(profiles);
    } finally {
      signal.removeEventListener('abort', end);
      end();
      this.#running = undefined;
    }
  }

  #refuse(): void {
    if (this.#running !== undefined)
      throw new Refused(409, `Another profile is being taken, of thread ${this.#running}. Ask again when it ends`);
    const place = this.#parts.debuggedAt();
    if (place !== undefined)
      throw new Refused(
        409,
        `Node's inspector listens at ${place}: a debugger there may pause the threads. Take the profile with it, or close it`,
      );
  }

  async #profileOrProblem(
    sessions: Inspectors,
    { thread, threadId }: ProfiledThread,
    ms: number,
    signal: AbortSignal,
  ): Promise<ThreadProfile> {
    const ended = await sessions.attached(threadId);
    try {
      if (ended === undefined) throw new Error('It has just ended');
      return { thread, profile: await this.#record(sessions, threadId, ms, AbortSignal.any([signal, ended])) };
    } catch (error) {
      signal.throwIfAborted();
      const problem = ended?.aborted === true ? 'It ended meanwhile; the log says why' : (error as Error).message;
      return { thread, problem };
    }
  }

  async #record(sessions: Inspectors, threadId: number, ms: number, signal: AbortSignal): Promise<CpuProfile> {
    const tell = async (method: string, params?: object): Promise<unknown> =>
      sessions.ask(threadId, `Profiler.${method}`, params);
    const enabled = tell('enable');
    if (!(await isWithin(enabled, NATIVE_MS)))
      throw new Error(`It has not answered for ${NATIVE_MS / 1000} s: it is in native code, which no profile shows`);
    await tell('setSamplingInterval', { interval: SAMPLING_US });
    await this.#start(async () => tell('start'));
    // So that the profile names loops that have run before: see `sampler.ts`.
    if (MAY_DEOPTIMIZE) {
      await tell('startPreciseCoverage', { callCount: true, detailed: false });
      await tell('stopPreciseCoverage');
    }
    await delay(ms, undefined, { signal });
    const { profile } = (await tell('stop')) as { readonly profile: CpuProfile };
    return lastPart(profile, ms); // What ran before that has the names of its callers.
  }

  /** V8 samples each thread on a thread of its own, and ends the process where the system refuses that one. */
  async #start(start: () => Promise<unknown>): Promise<void> {
    const before = this.#starting;
    const started = before.then(async () => {
      if (!this.#parts.canStartThread())
        throw new Error('The system starts no more threads, and V8 needs one to sample on');
      await start();
    });
    this.#starting = started.catch(() => {});
    await started;
  }
}

/** Whether `answer` has come within `ms`. Rejects as it does. */
async function isWithin(answer: Promise<unknown>, ms: number): Promise<boolean> {
  const late = new AbortController();
  const isLate = delay(ms, false, { signal: late.signal, ref: false }).catch(() => false);
  try {
    return await Promise.race([answer.then(() => true), isLate]);
  } finally {
    late.abort();
    answer.catch(() => {}); // It may still fail.
  }
}
