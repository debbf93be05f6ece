/** Keeps the newest of what comes, as many as there is room for. */
export class Ring<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** All, the newest first. */
  *newest(): Generator<T> {
    const { length } = this.#items;
    for (let back = 1; back <= length; back++)
      yield this.#items[(this.#next - back + this.#capacity) % this.#capacity] as T;
  }
}
