/** Opens what another process may still have, closes it when another process is to have it, and opens it again. */

/** How long what another process still has is waited for between two tries, in ms. */
const RETRY_MS = 50;

interface Closeable {
  /** Ends at once. */
  close(): void;
}

export class Reopening<T extends Closeable> {
  readonly #open: () => Promise<T>;
  #opened: T | undefined;
  /** Present while it is open or being opened; aborted when it is closed: what is opened too late is closed again. */
  #attempt: AbortController | undefined;

  /** `open` rejects with an error whose `errno` is `EADDRINUSE` while another process has it. */
  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  /** What is open; `undefined`: nothing. */
  get opened(): T | undefined {
    return this.#opened;
  }

  /** Whether it is open, or will be. */
  get isWanted(): boolean {
    return this.#attempt !== undefined;
  }

  /** Opens it now. Rejects as `open` does. */
  async now(): Promise<void> {
    await this.#try(false);
  }

  /** Opens it as soon as no other process has it. `failed` hears why that cannot be. */
  soon(failed: (error: unknown) => void): void {
    this.#try(true).catch(failed);
  }

  close(): void {
    this.#attempt?.abort();
    this.#attempt = undefined;
    this.#opened?.close();
    this.#opened = undefined;
  }

  async #try(waits: boolean): Promise<void> {
    if (this.#attempt !== undefined) return;
    const attempt = new AbortController();
    const { signal } = attempt;
    this.#attempt = attempt;
    while (!signal.aborted) {
      try {
        const opened = await this.#open();
        if (signal.aborted) opened.close();
        else this.#opened = opened;
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!waits || (error as { readonly errno?: string }).errno !== 'EADDRINUSE') {
          this.#attempt = undefined;
          throw error;
        }
      }
      await new Promise<void>((resolve) => void setTimeout(resolve, RETRY_MS).unref());
    }
  }
}
