/** Finds the code that blocks a thread, with V8's sampling profiler: the thread is never paused. */
import { setTimeout as delay } from 'node:timers/promises';
import { placeOf, type Profile } from './place.ts';
import { type Code, codeOf } from './source-place.ts';
import { WorkerSessions } from './worker-sessions.ts';

/** How long a thread is sampled, in ms, and how often, in µs. */
const SAMPLE_MS = 25;
export const SAMPLING_US = 1000;
/** A thread that runs JavaScript answers sooner, in ms; and how many samples count of one that did not. */
const NATIVE_MS = 150;
const FIRST_SAMPLES = 2;
/** How long after a sample there is none, in ms: what it costs a thread stays small. */
const REST_MS = 300;
/** How long nothing must have been blocked until the threads are left alone, in ms. */
const QUIET_MS = 60_000;

/*
 * A profile names the functions whose code V8 has told it of. Of code that a loop was compiled to while it ran (on-stack replacement),
 * a profile that starts later is told nothing: the loop's time is its caller's. To count calls, V8 drops all compiled code of the
 * thread; the loop is compiled anew, and the profile hears of that. What the last samples say is right then. Measured on Node 20, 24
 * and 26: without this, four of five blocks in a loop were named by the caller.
 */

/** Whoever measures coverage has calls counted already, and it is not ours to stop. */
export const MAY_DEOPTIMIZE = process.env['NODE_V8_COVERAGE'] === undefined;

/** The inspectors of threads, by Node's numbers of them. */
export type Inspectors = Pick<WorkerSessions, 'attached' | 'ask' | 'close'>;

export class Sampler {
  readonly #isOwn: (url: string) => boolean;
  readonly #canStartThread: () => boolean;
  readonly #attach: () => Inspectors;
  #sessions: Inspectors | undefined;
  #isBusy = false;
  #isClosed = false;
  #restsUntil = 0;
  #quiet: NodeJS.Timeout | undefined;

  /**
   * `isOwn`: whether a file is the service's. `canStartThread`: whether the system starts one more thread for this process.
   * `attach`: a test passes its own.
   */
  constructor(
    isOwn: (url: string) => boolean,
    canStartThread: () => boolean,
    attach: () => Inspectors = () => new WorkerSessions(),
  ) {
    this.#isOwn = isOwn;
    this.#canStartThread = canStartThread;
    this.#attach = attach;
  }

  /** The code that thread `threadId` (Node's number) runs now; `undefined`: it is not known. */
  async sample(threadId: number): Promise<Code | undefined> {
    if (this.#isBusy || this.#isClosed || performance.now() < this.#restsUntil) return undefined;
    this.#isBusy = true;
    clearTimeout(this.#quiet); // It would take the sessions away meanwhile.
    try {
      this.#sessions ??= this.#attach();
      return await this.#sample(this.#sessions, threadId);
    } catch {
      return undefined; // The thread has ended, or is in native code for longer than anybody waits.
    } finally {
      this.#isBusy = false;
      this.#restsUntil = performance.now() + REST_MS;
      if (!this.#isClosed) this.#quiet = setTimeout(() => this.#detach(), QUIET_MS).unref();
    }
  }

  /** Leaves the threads alone for good. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#quiet);
    this.#detach();
  }

  async #sample(sessions: Inspectors, threadId: number): Promise<Code | undefined> {
    await sessions.attached(threadId);
    const tell = async (method: string, params?: object): Promise<unknown> =>
      sessions.ask(threadId, `Profiler.${method}`, params);
    try {
      const asked = performance.now();
      await tell('enable');
      const isLate = performance.now() - asked > NATIVE_MS;
      await tell('setSamplingInterval', { interval: SAMPLING_US });
      // V8 samples on a thread of its own, and ends the process where the system refuses that one.
      if (!this.#canStartThread()) return undefined;
      await tell('start');
      if (MAY_DEOPTIMIZE) await tell('startPreciseCoverage', { callCount: true, detailed: false });
      await delay(SAMPLE_MS, undefined, { ref: false });
      const { profile } = (await tell('stop')) as { readonly profile: Profile };
      // A thread in native code answers when that returns: what it was in comes first.
      const seen = isLate ? { ...profile, samples: profile.samples?.slice(0, FIRST_SAMPLES) ?? [] } : profile;
      const place = placeOf(seen, this.#isOwn);
      return place && codeOf(place);
    } finally {
      // Whatever has failed. A thread that does not answer yet comes to it after what it was asked before; nobody waits for that.
      const last = MAY_DEOPTIMIZE ? ['stopPreciseCoverage', 'disable'] : ['disable'];
      for (const method of last) tell(method).catch(() => {});
    }
  }

  #detach(): void {
    this.#sessions?.close();
    this.#sessions = undefined;
  }
}
