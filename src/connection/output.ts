/** Used to send to one client: at once where the kernel takes it, later where it does not. */
import type { HeddleError } from '../errors.ts';
import type { Luggage } from '../sharing/connection-table.ts';
import { EAGAIN } from '../sys/errno.ts';
import type { Host } from './host.ts';
import { Kept } from './kept.ts';
import { Outbox } from './outbox.ts';
import { checkReply, frameReply } from './reply-buffer.ts';

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
  #outbox: Outbox | undefined;
  #waiting: Waiting[] | undefined = undefined;

  /** `luggage`: what was not sent when the client moved here. */
  constructor(host: Host, fd: number, luggage: Luggage | undefined) {
    this.#host = host;
    this.#fd = fd;
    this.#outbox = luggage && new Outbox(Kept.open(host.stores, luggage));
    this.blocked = luggage !== undefined;
  }

  get isEmpty(): boolean {
    return this.#outbox === undefined || this.#outbox.length === 0;
  }

  /** Appends a reply to the replies of this read. Returns 0, or the errno of a broken connection. */
  reply(reply: unknown): number {
    const { framing, replies, service } = this.#host;
    replies.owner = this;
    const checked = checkReply(framing, reply);
    if (this.isEmpty && replies.append(framing, checked)) return 0;
    const result = this.#sendReplies();
    if (result < 0 || (this.isEmpty && replies.append(framing, checked))) return result;
    this.#push(frameReply(framing, checked, service.borrow === true));
    return this.#flushOutbox();
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
    return result < 0 || this.blocked || this.isEmpty ? result : this.#flushOutbox();
  }

  /** Settles when little enough waits that more may be sent. */
  room(): Promise<void> {
    if (this.#outbox === undefined || this.#outbox.length < HIGH_WATER) return SENT;
    const room = new Promise<void>((resolve, reject) => {
      this.#waiting ??= [];
      this.#waiting.push({ resolve, reject });
    });
    room.catch(ignore); // Nobody has to await it.
    return room;
  }

  /** Puts what waits where it moves with the client; `undefined`: nothing waits, or it cannot move. */
  stow(): Luggage | undefined {
    return this.isEmpty ? undefined : this.#outbox?.stow(this.#host.stores)?.luggage;
  }

  /** Drops what waits; those who wait for room get `error`. */
  close(error: HeddleError): void {
    this.#outbox?.clear();
    for (const { reject } of this.#takeWaiting()) reject(error);
  }

  #takeWaiting(): readonly Waiting[] {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    return waiting;
  }

  #push(bytes: Uint8Array): void {
    this.#outbox ??= new Outbox();
    this.#outbox.push(bytes);
  }

  /** Sends what is in the thread's reply buffer; what the kernel does not take goes to the outbox. */
  #sendReplies(): number {
    const { replies, row, sys } = this.#host;
    const { length } = replies;
    if (length === 0) return 0;
    const sent = this.isEmpty ? sys.send(this.#fd, replies.memory, 0, length) : EAGAIN;
    if (sent === length) {
      replies.length = 0;
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

  #flushOutbox(): number {
    const outbox = this.#outbox as Outbox;
    const sent = outbox.flush(this.#host.sys, this.#fd, this.#host.replies.memory);
    if (sent < 0) return sent;
    this.#host.row.countSent(sent);
    this.blocked = outbox.length > 0;
    if (this.#waiting !== undefined && outbox.length < HIGH_WATER)
      for (const { resolve } of this.#takeWaiting()) resolve();
    return 0;
  }
}
