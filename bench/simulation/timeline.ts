/** Plays time: runs what is due in the order of its time, and jumps from one moment to the next. */

/** Something that is due; `isOff`: it is not any more. */
export interface Due {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
  isOff: boolean;
}

export class Timeline {
  /** In ms. */
  now = 0;
  /** A binary heap: the first is due first. */
  readonly #heap: Due[] = [];
  #order = 0;

  after(delay: number, run: () => void): Due {
    const due = { time: this.now + delay, order: this.#order++, run, isOff: false };
    this.#push(due);
    return due;
  }

  /** Runs all that is due until `end`. */
  runUntil(end: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.time <= end; first = this.#heap[0]) {
      this.#pop();
      if (first.isOff) continue;
      this.now = first.time;
      first.run();
    }
    this.now = end;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Due;
      if (isBefore(above, due)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Due;
    const { length } = heap;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (isBefore(last, heap[child] as Due)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order);
}
