/** Used to keep what is to be sent to one client and cannot be sent yet, and those who wait until less does. */
import type { HeddleError } from '../errors.ts';
import type { Luggage } from '../sharing/connection-table.ts';
import { EAGAIN } from '../sys/errno.ts';
import type { Host } from './host.ts';
import type { Kept } from './kept.ts';
import { Outbox } from './outbox.ts';

/** A message up to this long is copied to memory whose address is known; a longer one goes out from where it lies. */
const COPY_LIMIT = 16 * 1024;

/** From here on, `send` asks its caller to wait; in bytes. */
const HIGH_WATER = 64 * 1024;

const SENT = Promise.resolve();
const ignore = (): void => {};

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: HeddleError) => void;
}

export class Output {
  readonly #host: Host;
  readonly #fd: number;
  #length = 0;
  /** The only message that waits: most go out before there is another, and need no outbox. */
  #only: Uint8Array | undefined = undefined;
  #outbox: Outbox | undefined;
  #waiting: Waiting[] | undefined = undefined;

  /** `unsent`: what was not sent when the client moved here. */
  constructor(host: Host, fd: number, unsent?: Kept) {
    this.#host = host;
    this.#fd = fd;
    this.#outbox = unsent && new Outbox(unsent);
    this.#length = unsent?.length ?? 0;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Somebody waits for room: who cannot be told any more once the client has moved. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined;
  }

  /** How many bytes wait. */
  get length(): number {
    return this.#length;
  }

  /** Appends bytes; they must not be changed until they are sent. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.isEmpty) this.#only = bytes;
    else this.#fill().push(bytes);
    this.#length += bytes.length;
  }

  /** Sends as much as the kernel takes. Returns 0, or the errno of a broken connection. */
  flush(): number {
    const only = this.#only;
    return only !== undefined && only.length <= COPY_LIMIT ? this.#sendOnly(only) : this.#flushOutbox();
  }

  /** Settles when little enough waits that more may be sent. */
  room(): Promise<void> {
    if (this.#length < HIGH_WATER) return SENT;
    const room = new Promise<void>((resolve, reject) => {
      this.#waiting ??= [];
      this.#waiting.push({ resolve, reject });
    });
    room.catch(ignore); // Nobody has to await it.
    return room;
  }

  /** Puts what waits where it moves with the client; `undefined`: nothing waits, or it cannot move. */
  stow(): Luggage | undefined {
    return this.isEmpty ? undefined : this.#fill().stow(this.#host.stores)?.luggage;
  }

  /** Drops what waits; those who wait for room get `error`. */
  close(error: HeddleError): void {
    this.#only = undefined;
    this.#length = 0;
    this.#outbox?.clear();
    for (const { reject } of this.#takeWaiting()) reject(error);
  }

  #takeWaiting(): readonly Waiting[] {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    return waiting;
  }

  /** Puts what waits into the outbox. */
  #fill(): Outbox {
    this.#outbox ??= new Outbox();
    if (this.#only !== undefined) this.#outbox.push(this.#only);
    this.#only = undefined;
    return this.#outbox;
  }

  #sendOnly(only: Uint8Array): number {
    const { replies, sys } = this.#host;
    replies.own.bytes.set(only);
    const sent = sys.send(this.#fd, replies.own, 0, only.length);
    if (sent < 0 && sent !== EAGAIN) return sent;
    this.#only = sent < only.length ? only.subarray(Math.max(sent, 0)) : undefined;
    this.#sent(Math.max(sent, 0));
    return 0;
  }

  #flushOutbox(): number {
    const { replies, sys } = this.#host;
    const sent = this.#fill().flush(sys, this.#fd, replies.own);
    if (sent >= 0) this.#sent(sent);
    return Math.min(sent, 0);
  }

  /** Takes note that the kernel took `bytes` of what waited; those who wait for room go on if there is some. */
  #sent(bytes: number): void {
    this.#host.row.countSent(bytes);
    this.#length -= bytes;
    if (this.#waiting === undefined || this.#length >= HIGH_WATER) return;
    for (const { resolve } of this.#takeWaiting()) resolve();
  }
}
