/** Lets one thread at a time into a few instructions of Heddle's own, and never waits for long. */
import { threadId } from 'node:worker_threads';
import { LockWords } from './lock-words.ts';

/** How long one owner may keep the lock, in ms: what is done under it takes microseconds, where the machine has a CPU for its owner. */
const LOCK_TIMEOUT_MS = 1000;

/**
 * A lock that no thread waits for without end: a caller that cannot enter does without. That should never be, since nothing
 * under the lock can throw. If one owner keeps it all the same, each thread waits for it once.
 *
 * A thread that enters must have the stack for it: it comes from an empty stack, or `ensureStack` was called.
 */
export class BriefLock {
  readonly #words: LockWords;
  readonly #stuck: () => void;
  /** Who has not given it back; 0: nobody. */
  #keeper = 0;

  /** `stuck` is called when the lock was not given back in time. */
  constructor(buffer: SharedArrayBuffer, byteOffset: number, stuck: () => void = () => {}) {
    this.#words = new LockWords(buffer, byteOffset);
    this.#stuck = stuck;
  }

  /** Returns what `work` gives under the lock, `otherwise` if another thread has it and does not give it back. */
  run<Result>(otherwise: Result, work: () => Result): Result {
    if (!this.enter()) return otherwise;
    try {
      return work();
    } finally {
      this.leave();
    }
  }

  /** Takes the lock, to be given back with `leave`. False: another thread has it, and does not give it back. */
  enter(): boolean {
    while (!this.#words.tryAcquire()) {
      const { owner } = this.#words;
      if (owner !== 0 && !this.#waitFor(owner)) return false;
    }
    this.#keeper = 0;
    return true;
  }

  /** Gives the lock back. */
  leave(): void {
    this.#words.releaseFor(threadId);
  }

  /** Gives the lock back in the place of thread `id` (Node's `threadId`), which has ended. False: it did not have it. */
  releaseFor(id: number): boolean {
    return this.#words.releaseFor(id);
  }

  /** Whether thread `id` has it. */
  isOf(id: number): boolean {
    return this.#words.isOf(id);
  }

  #waitFor(owner: number): boolean {
    if (owner === this.#keeper) return false;
    if (this.#words.sleep(owner, LOCK_TIMEOUT_MS)) return true;
    this.#keeper = owner;
    this.#stuck();
    return false;
  }
}
