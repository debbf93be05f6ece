/** Keeps what is to be written until its target takes it: whole lines, in bounded memory, and nobody waits. */

import { Writable } from 'node:stream';
import type { Target, Written } from './target.ts';

/** How many bytes may wait for a reader who does not read; lines beyond it are dropped and counted. */
const MAX_WAITING_BYTES = 2 ** 20;

/** When there was no room, it is looked for again after this many ms; then twice as many, up to the longest. */
const FIRST_PAUSE_MS = 1;
const MAX_PAUSE_MS = 250;

/** How long nothing is tried after an error that says that nobody is there, in ms. */
const GONE_MS = 1_000;

/** There may be room later: a reader who is slow, a disk that is full. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'ENOSPC', 'EDQUOT', 'ENOBUFS', 'ENOMEM']);

const LINE_ENDING = 10;

export class Output {
  readonly #target: Target;
  readonly #sayLost: (lines: number) => string;
  /** The lines of this turn of the event loop. */
  #lines: string[] = [];
  /** What is being written, and what follows. */
  #current: Uint8Array = Buffer.alloc(0);
  #next: Uint8Array[] = [];
  #nextSize = 0;
  /** The target has something to write, or had no room for it. */
  #isBusy = false;
  #isSending = false;
  #pause = FIRST_PAUSE_MS;
  #lost = 0;
  #goneUntil = 0;
  #emptied: () => void = () => {};

  /** `sayLost` gives the line that stands for `lines` dropped ones. */
  constructor(target: Target, sayLost: (lines: number) => string) {
    this.#target = target;
    this.#sayLost = sayLost;
  }

  /** Writes `line` and a line ending, with the other lines of this turn of the event loop. */
  write(line: string): void {
    if (this.#lines.push(line) === 1) setImmediate(() => this.flush());
  }

  /** Hands over the lines of this turn. */
  flush(): void {
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#add(Buffer.from(`${lines.join('\n')}\n`), lines.length);
  }

  /** A stream for what else goes there, such as what services print: it takes everything at once. */
  asStream(): Writable {
    return new Writable({
      write: (bytes: Uint8Array, _encoding, taken) => {
        this.flush();
        this.#add(bytes, Math.max(1, linesIn(bytes)));
        taken();
      },
    });
  }

  /** Resolves when all is written, or `within` ms have passed. */
  async end(within: number): Promise<void> {
    this.flush();
    if (this.#size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, within);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  get #size(): number {
    return this.#current.length + this.#nextSize;
  }

  /** Once lines were dropped, others are until half of what waits is gone: there is one line for all of them. */
  #add(bytes: Uint8Array, lines: number): void {
    const most = this.#lost > 0 ? MAX_WAITING_BYTES / 2 : MAX_WAITING_BYTES;
    if (this.#size > most || performance.now() < this.#goneUntil) {
      this.#lost += lines;
      return;
    }
    this.#reportLost();
    this.#push(bytes);
  }

  #reportLost(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#push(Buffer.from(`${this.#sayLost(lost)}\n`));
  }

  #push(bytes: Uint8Array): void {
    this.#next.push(bytes);
    this.#nextSize += bytes.length;
    this.#send();
  }

  /** Writes until nothing waits or the target is busy; some targets answer at once, inside this call. */
  #send(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    while (!this.#isBusy && this.#size > 0) {
      if (this.#current.length === 0) this.#takeNext();
      this.#isBusy = true;
      this.#target.write(this.#current, this.#written);
    }
    this.#isSending = false;
    if (this.#size === 0) this.#emptied();
  }

  #takeNext(): void {
    this.#current = Buffer.concat(this.#next);
    this.#next = [];
    this.#nextSize = 0;
  }

  readonly #written: Written = (error, count) => {
    if (error) {
      if (NO_ROOM.has(error.code)) return this.#tryLater();
      this.#drop();
    } else {
      this.#current = this.#current.subarray(count);
      this.#pause = FIRST_PAUSE_MS;
    }
    this.#isBusy = false;
    if (this.#size <= MAX_WAITING_BYTES / 2 && performance.now() >= this.#goneUntil) this.#reportLost();
    this.#send();
  };

  #tryLater(): void {
    const retry = (): void => {
      this.#isBusy = false;
      this.#send();
    };
    setTimeout(retry, this.#pause).unref();
    this.#pause = Math.min(this.#pause * 2, MAX_PAUSE_MS);
  }

  /** Nobody is there. If there is somebody later, as at a named pipe, the next line shows it. */
  #drop(): void {
    this.#goneUntil = performance.now() + GONE_MS;
    this.#current = Buffer.alloc(0);
    this.#next = [];
    this.#nextSize = 0;
  }
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_ENDING); at >= 0; at = bytes.indexOf(LINE_ENDING, at + 1)) lines++;
  return lines;
}
