/** Used to keep what is to be sent to one client and cannot be sent yet, and those who wait until less does. */
import type { HeddleError } from '../errors.ts';
import type { Luggage } from '../sharing/connection-table.ts';
import type { Host } from './host.ts';
import type { Kept } from './kept.ts';
import { Outbox } from './outbox.ts';

/** From here on, `send` asks its caller to wait; in bytes. */
const HIGH_WATER = 64 * 1024;

/** What `send` gives for a message that need not wait for room. */
export const SENT = Promise.resolve();
const ignore = (): void => {};

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: HeddleError) => void;
}

export class Output {
  readonly #host: Host;
  readonly #fd: number;
  readonly #outbox: Outbox;
  #waiting: Waiting[] | undefined = undefined;

  /** `unsent`: what was not sent when the client moved here. */
  constructor(host: Host, fd: number, unsent?: Kept) {
    this.#host = host;
    this.#fd = fd;
    this.#outbox = new Outbox(unsent);
  }

  get isEmpty(): boolean {
    return this.#outbox.length === 0;
  }

  /** Somebody waits for room: who cannot be told any more once the client has moved. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined;
  }

  /** How many bytes wait. */
  get length(): number {
    return this.#outbox.length;
  }

  /** Appends bytes; they must not be changed until they are sent. */
  push(bytes: Uint8Array): void {
    this.#outbox.push(bytes);
  }

  /** Sends as much as the kernel takes. Returns 0, or the errno of a broken connection. */
  flush(): number {
    const { replies, row, sys } = this.#host;
    const sent = this.#outbox.flush(sys, this.#fd, replies.own);
    if (sent < 0) return sent;
    row.countSent(sent);
    if (this.#waiting !== undefined && this.length < HIGH_WATER)
      for (const { resolve } of this.#takeWaiting()) resolve();
    return 0;
  }

  /** Settles when little enough waits that more may be sent. */
  room(): Promise<void> {
    if (this.length < HIGH_WATER) return SENT;
    const room = new Promise<void>((resolve, reject) => {
      this.#waiting ??= [];
      this.#waiting.push({ resolve, reject });
    });
    room.catch(ignore); // Nobody has to await it.
    return room;
  }

  /** Puts what waits where it moves with the client; `undefined`: nothing waits, or it cannot move. */
  stow(): Luggage | undefined {
    return this.isEmpty ? undefined : this.#outbox.stow(this.#host.stores)?.luggage;
  }

  /** Drops what waits; those who wait for room get `error`. */
  close(error: HeddleError): void {
    this.#outbox.clear();
    for (const { reject } of this.#takeWaiting()) reject(error);
  }

  #takeWaiting(): readonly Waiting[] {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    return waiting;
  }
}
