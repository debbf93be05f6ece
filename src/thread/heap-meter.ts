/** Notes on the thread's row how much of its heap is in use. */
import { getHeapStatistics } from 'node:v8';
import type { ThreadRow } from '../sharing/thread-board.ts';

/** To ask V8 takes some µs. */
const INTERVAL_MS = 1000;

export class HeapMeter {
  readonly #row: Pick<ThreadRow, 'heapUsed'>;
  #due = Number.NEGATIVE_INFINITY;

  constructor(row: Pick<ThreadRow, 'heapUsed'>) {
    this.#row = row;
  }

  /** To be called at each turn, at `now` in `performance.now()` ms. A thread that sleeps changes nothing on its heap. */
  look(now: number): void {
    if (now < this.#due) return;
    this.#due = now + INTERVAL_MS;
    this.#row.heapUsed = getHeapStatistics().used_heap_size;
  }
}
