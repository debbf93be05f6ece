/** Counts across threads, for services. */

/** A 64-bit integer in shared memory that all threads may change at once. */
export class Counter {
  readonly buffer: SharedArrayBuffer;
  readonly #value: BigInt64Array;

  /** Makes a new counter at 0, or, given the `buffer` of one, another handle to the same. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#value = new BigInt64Array(buffer);
  }

  get value(): number {
    return Number(Atomics.load(this.#value, 0));
  }

  /** Adds `amount` (a safe integer, 1 by default) and returns the sum. May be called on any thread. */
  add(amount = 1): number {
    return Number(Atomics.add(this.#value, 0, BigInt(amount))) + amount;
  }
}
