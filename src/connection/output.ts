/** Used to send to one client: at once where the kernel takes it, later where it does not. */
import type { HeddleError } from '../errors.ts';
import type { Luggage } from '../sharing/connection-table.ts';
import { EAGAIN } from '../sys/errno.ts';
import type { Host } from './host.ts';
import { Kept } from './kept.ts';
import { Outbox } from './outbox.ts';
import { checkReply, frameReply } from './reply-buffer.ts';

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
  /** The kernel takes no more for now: nothing is read from the client until it does. */
  blocked: boolean;
  readonly #host: Host;
  readonly #fd: number;
  #length = 0;
  /** The only message that waits: most go out before there is another, and need no outbox. */
  #only: Uint8Array | undefined = undefined;
  #outbox: Outbox | undefined;
  #waiting: Waiting[] | undefined = undefined;

  /** `luggage`: what was not sent when the client moved here. */
  constructor(host: Host, fd: number, luggage: Luggage | undefined) {
    this.#host = host;
    this.#fd = fd;
    this.#outbox = luggage && new Outbox(Kept.open(host.stores, luggage));
    this.blocked = luggage !== undefined;
    this.#length = this.#outbox?.length ?? 0;
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

  /** Appends a reply to the replies of this read. Returns 0, or the errno of a broken connection. */
  reply(reply: unknown): number {
    const { framing, replies, service } = this.#host;
    const checked = checkReply(framing, reply);
    replies.owner = this;
    if (this.isEmpty && replies.append(framing, checked)) return 0;
    const result = this.#sendReplies();
    if (result < 0 || (this.isEmpty && replies.append(framing, checked))) return result;
    this.#push(frameReply(framing, checked, service.borrow === true));
    return this.#flushWaiting();
  }

  /** Sends the frame in `[from, to)` of the read buffer with the replies of this read; false: use `reply`. */
  replyInPlace(from: number, to: number): boolean {
    const { replies } = this.#host;
    replies.owner = this;
    return this.isEmpty && replies.appendInPlace(from, to);
  }

  /** Keeps a message for the next `flush`. */
  later(message: unknown): void {
    const { framing, service } = this.#host;
    this.stash();
    this.#push(frameReply(framing, checkReply(framing, message), service.borrow === true));
  }

  /** Takes the replies of this read out of the thread's buffer: they are sent later. */
  stash(): void {
    const { replies } = this.#host;
    if (replies.owner === this && replies.length > 0) this.#push(replies.takeRest(0));
  }

  /** Sends all that waits. Returns 0, or the errno of a broken connection. */
  flush(): number {
    const result = this.#sendReplies();
    return result < 0 || this.blocked || this.isEmpty ? result : this.#flushWaiting();
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
    const { replies } = this.#host;
    if (replies.owner === this) replies.clear();
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

  #push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.isEmpty) this.#only = bytes;
    else this.#fill().push(bytes);
    this.#length += bytes.length;
  }

  /** Puts what waits into the outbox. */
  #fill(): Outbox {
    this.#outbox ??= new Outbox();
    if (this.#only !== undefined) this.#outbox.push(this.#only);
    this.#only = undefined;
    return this.#outbox;
  }

  /** Sends what is in the thread's reply buffer; what the kernel does not take goes to the outbox. */
  #sendReplies(): number {
    const { replies, row, sys } = this.#host;
    const { length } = replies;
    if (length === 0) return 0;
    const sent = this.isEmpty ? sys.send(this.#fd, replies.memory, replies.start, length) : EAGAIN;
    if (sent === length) {
      replies.clear();
      row.countSent(sent);
      return 0;
    }
    const rest = replies.takeRest(Math.max(sent, 0));
    if (sent < 0 && sent !== EAGAIN) return sent;
    row.countSent(Math.max(sent, 0));
    this.blocked ||= this.isEmpty;
    this.#push(rest);
    return 0;
  }

  #flushWaiting(): number {
    const only = this.#only;
    return only !== undefined && only.length <= COPY_LIMIT ? this.#sendOnly(only) : this.#flushOutbox();
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
    this.blocked = !this.isEmpty;
    if (this.#waiting === undefined || this.#length >= HIGH_WATER) return;
    for (const { resolve } of this.#takeWaiting()) resolve();
  }
}
