/** Used to let one thread at a time into a piece of code: for Heddle's own log lines and for services. */
import { threadId } from 'node:worker_threads';

const OWNER = 0;
const WAITERS = 1;
const UNLOCKED = 0;

/** What a thread that has ended may still have. */
export type Releasable = Pick<Lock, 'releaseFor'>;

/**
 * A mutual-exclusion lock in shared memory. `acquire` waits without holding the thread; `acquireSync` blocks it.
 * When a thread ends while it has the lock, the server releases it.
 *
 * @example
 * await using _ = await lock.acquire();
 */
export class Lock {
  readonly buffer: SharedArrayBuffer;
  /** Where in `buffer` it is. */
  readonly byteOffset: number;
  readonly #words: Int32Array;

  /** Makes a new lock, or, given the `buffer` of one, another handle to the same. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8), byteOffset = 0) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.#words = new Int32Array(buffer, byteOffset, 2);
  }

  /** Takes the lock if it is free. May be called on any thread; never waits. */
  tryAcquire(): boolean {
    return Atomics.compareExchange(this.#words, OWNER, UNLOCKED, threadId + 1) === UNLOCKED;
  }

  /**
   * Waits until the lock is free and takes it; the thread goes on serving others meanwhile. Dispose of the result, or
   * call `release`, to give it back. Waiting does not keep a thread alive that has nothing else to do.
   */
  async acquire(): Promise<Disposable> {
    while (!this.tryAcquire()) {
      Atomics.add(this.#words, WAITERS, 1);
      const owner = Atomics.load(this.#words, OWNER);
      if (owner !== UNLOCKED) await Atomics.waitAsync(this.#words, OWNER, owner).value;
      Atomics.sub(this.#words, WAITERS, 1);
    }
    return this.#held();
  }

  /**
   * Blocks the thread until the lock is free, and takes it: for a few instructions, not for I/O. Throws an Error if this
   * thread has it already, since it could then never be released.
   */
  acquireSync(): Disposable {
    while (!this.tryAcquire()) {
      Atomics.add(this.#words, WAITERS, 1);
      const owner = Atomics.load(this.#words, OWNER);
      if (owner === threadId + 1) {
        Atomics.sub(this.#words, WAITERS, 1);
        throw new Error('this thread holds the lock already; blocking for it would never end');
      }
      if (owner !== UNLOCKED) Atomics.wait(this.#words, OWNER, owner);
      Atomics.sub(this.#words, WAITERS, 1);
    }
    return this.#held();
  }

  /** Gives the lock back; throws an Error if this thread does not have it. */
  release(): void {
    if (!this.releaseFor(threadId)) throw new Error('this thread does not hold the lock');
  }

  /** Whether thread `id` (Node's `threadId`) has it. */
  isOf(id: number): boolean {
    return Atomics.load(this.#words, OWNER) === id + 1;
  }

  /** Gives the lock back in the place of thread `id` (Node's `threadId`), which has ended. False: it did not have it. */
  releaseFor(id: number): boolean {
    if (Atomics.compareExchange(this.#words, OWNER, id + 1, UNLOCKED) !== id + 1) return false;
    // All of them: one alone might be a thread that is about to end, or wait twice, and then nobody would take the lock.
    if (Atomics.load(this.#words, WAITERS) > 0) Atomics.notify(this.#words, OWNER);
    return true;
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
