/** Wakes a sleeping thread without a message, through a word of shared memory. */
import { crash } from '../errors.ts';

export class Waker {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** How often it has woken somebody. Read it before looking for work; then no wake-up is missed. */
  get count(): number {
    return Atomics.load(this.#words, this.#at);
  }

  wake(): void {
    Atomics.add(this.#words, this.#at, 1);
    Atomics.notify(this.#words, this.#at);
  }

  /** Calls `woken` once it was woken since `count` was read; Node's event loop runs meanwhile. */
  wait(count: number, woken: () => void): void {
    const result = Atomics.waitAsync(this.#words, this.#at, count);
    if (result.async) result.value.then(woken, crash);
    else setImmediate(woken);
  }
}
