/** Used to write whole lines to stdout or stderr: many at once, in bounded memory, read or not. */

import type { Writable } from 'node:stream';

/** How much may wait for a reader who does not read; lines beyond it are dropped and counted. */
const MOST_WAITING = 2 ** 22;

export class LineWriter {
  readonly #stream: Writable;
  readonly #sayLost: (count: number) => string;
  #lines: string[] = [];
  #scheduled = false;
  #lost = 0;
  /** The reader is gone (EPIPE) or the disk is full: nothing can be said any more, and the server goes on. */
  #broken = false;

  /** `sayLost` gives the line that stands for `count` dropped ones. */
  constructor(stream: Writable, sayLost: (count: number) => string) {
    this.#stream = stream;
    this.#sayLost = sayLost;
    stream.on('error', () => {
      this.#broken = true;
      this.#lines = [];
    });
  }

  /** Writes `text` and a line ending, with the other lines of this turn of the event loop. */
  write(text: string): void {
    if (this.#broken) return;
    if (this.#stream.writableLength > MOST_WAITING) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) this.#lines.push(this.#sayLost(this.#lost));
    this.#lost = 0;
    this.#lines.push(text);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Resolves when all lines are handed to the system, or cannot be. */
  async end(): Promise<void> {
    if (this.#lost > 0 && !this.#broken) this.#lines.push(this.#sayLost(this.#lost));
    this.#lost = 0;
    this.#flush();
    if (this.#broken || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#lines.length === 0 || this.#broken) return;
    this.#stream.write(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
