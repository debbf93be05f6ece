/** Keeps numbers in the order in which they came; adding and taking one allocates nothing, but when the queue grows. */

const SMALLEST = 8;

export class NumberQueue {
  /** Its size is a power of two. */
  #ring = new Float64Array(SMALLEST);
  #first = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: number): void {
    if (this.#size === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#size++) & (this.#ring.length - 1)] = value;
  }

  /** The oldest number; NaN if there is none. */
  peek(): number {
    return this.#size === 0 ? NaN : (this.#ring[this.#first] as number);
  }

  /** Takes the oldest number out; NaN if there is none. */
  shift(): number {
    if (this.#size === 0) return NaN;
    const value = this.#ring[this.#first] as number;
    this.#first = (this.#first + 1) & (this.#ring.length - 1);
    this.#size--;
    return value;
  }

  #grow(): void {
    const larger = new Float64Array(this.#ring.length * 2);
    for (let at = 0; at < this.#size; at++)
      larger[at] = this.#ring[(this.#first + at) & (this.#ring.length - 1)] as number;
    this.#ring = larger;
    this.#first = 0;
  }
}
