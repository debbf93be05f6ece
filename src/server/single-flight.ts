/** Runs a slow task once at a time: callers that ask during a run share the next one. */
export class SingleFlight {
  readonly #run: () => Promise<void>;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  /** Resolves when a run has ended that began after this was called; rejects as that run does. */
  async ask(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current
      .catch(() => {})
      .then(async () => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  async #begin(): Promise<void> {
    const run = this.#run().finally(() => {
      // With a next one waiting, whoever asks now is to share that.
      if (this.#next === undefined) this.#current = undefined;
    });
    this.#current = run;
    return run;
  }
}
