/** Bounds how many threads start at the same time. */

/*
 * A start is work for a CPU. When more threads start than there are CPUs, the first is ready as late as the last.
 */

export class StartLimit {
  readonly #most: number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** `most`: how many starts may run at the same time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Whether the next start has to wait. */
  get isReached(): boolean {
    return this.#running >= this.#most;
  }

  /** Runs `start` as soon as the limit allows it; the start that has waited longest is the next. */
  async run<Result>(start: () => Promise<Result>): Promise<Result> {
    if (this.isReached) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await start();
    } finally {
      this.#finished();
    }
  }

  #finished(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next(); // That start takes the place of this one, so the count stays.
  }
}
