/** Lets one thread of a service at a time into a piece of code. */
import { threadId } from 'node:worker_threads';
import { ensureStack } from '../sys/stack-room.ts';
import { LOCK_BYTES, LockWords } from './lock-words.ts';

/** What a thread that has ended may still have. */
export type Releasable = Pick<Lock, 'releaseFor'>;

/**
 * A mutual-exclusion lock in shared memory. `acquire` waits without blocking the thread; `acquireSync` blocks it.
 * When a thread ends while it has the lock, the server releases it.
 *
 * @example
 * await using _ = await lock.acquire();
 */
export class Lock {
  readonly buffer: SharedArrayBuffer;
  /** Where in `buffer` it is. */
  readonly byteOffset: number;
  readonly #words: LockWords;

  /** Makes a new lock, or, given the `buffer` of one, another handle to the same. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(LOCK_BYTES), byteOffset = 0) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.#words = new LockWords(buffer, byteOffset);
  }

  /** Takes the lock if it is free. May be called on any thread; never waits. */
  tryAcquire(): boolean {
    ensureStack();
    return this.#words.tryAcquire();
  }

  /**
   * Waits until the lock is free and takes it; the thread goes on serving others meanwhile. Dispose of the result, or
   * call `release`, to give it back. Waiting does not keep a thread alive that has nothing else to do.
   */
  async acquire(): Promise<Disposable> {
    ensureStack();
    while (!this.#words.tryAcquire()) await this.#words.wait();
    return this.#held();
  }

  /**
   * Blocks the thread until the lock is free, and takes it: for a few instructions, not for I/O. Throws an Error if this
   * thread has it already, since it could then never be released.
   */
  acquireSync(): Disposable {
    ensureStack();
    while (!this.#words.tryAcquire()) {
      if (this.#words.isOf(threadId))
        throw new Error('this thread holds the lock already; blocking for it would never end');
      const { owner } = this.#words;
      if (owner !== 0) this.#words.sleep(owner, Infinity);
    }
    return this.#held();
  }

  /** Gives the lock back; throws an Error if this thread does not have it. */
  release(): void {
    if (!this.releaseFor(threadId)) throw new Error('this thread does not hold the lock');
  }

  /** Gives the lock back in the place of thread `id` (Node's `threadId`), which has ended. False: it did not have it. */
  releaseFor(id: number): boolean {
    return this.#words.releaseFor(id);
  }

  /** Releases once, however often it is disposed of: by then another may have the lock. */
  #held(): Disposable {
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.release();
        isHeld = false;
      },
    };
  }
}
