/** Finds out what code threads run: that of a block, and profiles that somebody asks for. What does it is loaded when it is needed. */
import { isMainThread } from 'node:worker_threads';
import type { ProfileRequest } from '../../admin/control/controlled.ts';
import { Refused } from '../../admin/refused.ts';
import type { ProfiledThread, Profiler, ThreadProfile } from '../../admin/stacks/profiler.ts';
import type { Sampler } from '../../admin/stacks/sampler.ts';
import type { Code } from '../../admin/stacks/source-place.ts';
import { isOfService } from '../own-package.ts';

interface Parts {
  /** Whether the system starts one more thread for this process. */
  readonly canStartThread: () => boolean;
  /** Node's number of a thread; `undefined`: there is no such thread. */
  readonly threadIdOf: (thread: number) => number | undefined;
  /** Whether somebody still asks. */
  readonly isAsked: () => boolean;
}

export class Stacks {
  readonly #parts: Parts;
  #sampler: Promise<Sampler> | undefined;
  #profiler: Promise<Profiler> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The code that blocks the thread now; `undefined`: it is not known. */
  async codeOf(thread: number): Promise<Code | undefined> {
    if (!hasInspector()) return undefined;
    const { canStartThread, isAsked, threadIdOf } = this.#parts;
    this.#sampler ??= import('../../admin/stacks/sampler.ts').then(
      ({ Sampler: Loaded }) => new Loaded(isOfService, canStartThread),
    );
    const sampler = await this.#sampler;
    const threadId = threadIdOf(thread);
    return threadId === undefined || !isAsked() ? undefined : sampler.sample(threadId);
  }

  /** Takes profiles. `serving`: the threads that there are. Errors: `Refused`. */
  async profile(
    { ms, signal, threads }: ProfileRequest,
    serving: readonly number[],
  ): Promise<readonly ThreadProfile[]> {
    if (!hasInspector())
      throw new Refused(
        501,
        'Node runs this server without its inspector, or not on the main thread: it can take no profile',
      );
    const profiled = this.#profiled(threads === 'all' ? serving : [threads]);
    if (profiled.length === 0) throw new Refused(404, noSuchThread(threads, serving));
    const { canStartThread } = this.#parts;
    this.#profiler ??= import('../../admin/stacks/profiler.ts').then(
      ({ Profiler: Loaded }) => new Loaded({ canStartThread }),
    );
    return (await this.#profiler).profile(profiled, ms, signal);
  }

  /** Leaves the threads alone. Profiles end with the connections of those who have asked for them. */
  close(): void {
    this.#sampler?.then((sampler) => sampler.close()).catch(() => {});
  }

  #profiled(threads: readonly number[]): ProfiledThread[] {
    return threads.flatMap((thread) => {
      const threadId = this.#parts.threadIdOf(thread);
      return threadId === undefined ? [] : [{ thread, threadId }];
    });
  }
}

/** It reaches the threads from main alone. */
function hasInspector(): boolean {
  return isMainThread && process.features.inspector;
}

function noSuchThread(thread: number | 'all', serving: readonly number[]): string {
  if (thread === 'all' || serving.length === 0) return 'No thread serves now: ask again';
  return `There is no thread ${thread}. Take one of ${serving.join(', ')}`;
}
