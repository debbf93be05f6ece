/** Keeps in shared memory who has a lock and how many threads wait for it. */
import { threadId } from 'node:worker_threads';

const OWNER = 0;
const WAITERS = 1;
const UNLOCKED = 0;

/** How many bytes a lock takes. */
export const LOCK_BYTES = 8;

/** Two words: Node's number of the thread that has the lock and 1 more, or 0; how many wait. */
export class LockWords {
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer, byteOffset: number) {
    this.#words = new Int32Array(buffer, byteOffset, LOCK_BYTES / 4);
  }

  /** Takes the lock if it is free. Never waits. */
  tryAcquire(): boolean {
    return Atomics.compareExchange(this.#words, OWNER, UNLOCKED, threadId + 1) === UNLOCKED;
  }

  /** Whether thread `id` (Node's `threadId`) has it. */
  isOf(id: number): boolean {
    return Atomics.load(this.#words, OWNER) === id + 1;
  }

  /** Who has the lock, as one number; 0: nobody. */
  get owner(): number {
    return Atomics.load(this.#words, OWNER);
  }

  /** Blocks this thread until the lock may be free; false: `milliseconds` have passed, and `owner` never gave it back. */
  sleep(owner: number, milliseconds: number): boolean {
    Atomics.add(this.#words, WAITERS, 1);
    const result = Atomics.wait(this.#words, OWNER, owner, milliseconds);
    Atomics.sub(this.#words, WAITERS, 1);
    return result !== 'timed-out';
  }

  /** Resolves when the lock may be free; the thread does other work meanwhile. */
  async wait(): Promise<void> {
    Atomics.add(this.#words, WAITERS, 1);
    const owner = Atomics.load(this.#words, OWNER);
    if (owner !== UNLOCKED) await Atomics.waitAsync(this.#words, OWNER, owner).value;
    Atomics.sub(this.#words, WAITERS, 1);
  }

  /** Gives the lock back in the place of thread `id` (Node's `threadId`). False: it did not have it. */
  releaseFor(id: number): boolean {
    if (Atomics.compareExchange(this.#words, OWNER, id + 1, UNLOCKED) !== id + 1) return false;
    // All of them: one alone might be a thread that is about to end, or wait twice, and then nobody would take the lock.
    if (Atomics.load(this.#words, WAITERS) > 0) Atomics.notify(this.#words, OWNER);
    return true;
  }
}
