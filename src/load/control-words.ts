/** Tells generators when to begin and to end, through memory that they share with the thread that started them. */

import type { Control } from './generator.ts';

const READY = 0;
const ENDED = 1;

export class ControlWords implements Control {
  readonly #words: Int32Array;
  readonly #count: number;

  /** `buffer`: what `allocate` gave, for `count` generators. */
  constructor(buffer: SharedArrayBuffer, count: number) {
    this.#words = new Int32Array(buffer);
    this.#count = count;
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
  }

  ready(): void {
    Atomics.add(this.#words, READY, 1);
  }

  end(): void {
    Atomics.store(this.#words, ENDED, 1);
  }

  get hasBegun(): boolean {
    return Atomics.load(this.#words, READY) === this.#count;
  }

  get mustEnd(): boolean {
    return Atomics.load(this.#words, ENDED) === 1;
  }
}
