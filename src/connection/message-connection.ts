/** A client of a service with `message`: one call for each message, in order, one at a time. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each message.
import { type Frame, INCOMPLETE, MESSAGE } from '../framing/frame.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { toMicroseconds } from '../sharing/latency-buckets.ts';
import { Connection } from './connection.ts';
import { INVALID } from './read-message.ts';

/** What an async `open` resolves to: it is no reply, and was no message. */
const OPENED = Symbol('opened');

export class MessageConnection extends Connection {
  /** A handler is running; since when, in `performance.now()` ms. */
  #pending = false;
  #since = 0;
  /** The promise of a handler is being asked: what is no promise of JavaScript's own may answer at once, in the middle of a read. */
  #isAsking = false;
  #onReply: ((reply: unknown) => void) | undefined = undefined;
  #onError: ((error: unknown) => void) | undefined = undefined;

  protected get wantsInput(): boolean {
    return !this.#pending;
  }

  protected get isServing(): boolean {
    return this.#pending;
  }

  opened(): void {
    const { service } = this.host;
    if (service.open === undefined) return;
    try {
      const opening = service.open(this);
      if (isThenable(opening)) this.#await(opening.then(() => OPENED));
    } catch (error) {
      this.serviceFailed(error);
    }
  }

  protected deliver(bytes: Buffer, from: number, to: number): number {
    const { frame, framing, reader, row } = this.host;
    let at = from;
    let messages = 0;
    try {
      while (at < to && this.takesInput) {
        frame.scanned = reader.scanned;
        const status = framing.decode(bytes, at, to, frame);
        if (status !== MESSAGE) {
          reader.scanned = frame.scanned;
          if (status === INCOMPLETE) break;
          this.refuseFrame(status);
          return to;
        }
        reader.scanned = 0;
        const begin = at;
        at = frame.next;
        row.beat(this.fd);
        messages++;
        this.#handle(bytes, begin);
      }
    } catch (error) {
      this.serviceFailed(error);
      return to;
    } finally {
      if (messages > 0) this.#count(messages);
    }
    return at;
  }

  protected deliverLast(bytes: Buffer): void {
    try {
      this.host.row.beat(this.fd);
      this.#handle(bytes, this.host.reader.from);
    } catch (error) {
      this.serviceFailed(error);
    }
    this.#count(1);
  }

  protected inputEnded(): void {
    if (!this.#pending) this.finish('client-finished');
  }

  protected wasClosed(_reason: CloseReason): void {
    if (this.#pending) this.host.awaiting--;
    this.#pending = false;
  }

  /** Hands the message that the decoder marked, in the frame that begins at `begin`, to the service. */
  #handle(bytes: Buffer, begin: number): void {
    const { host } = this;
    const { frame } = host;
    const message = host.readMessage(bytes, frame);
    if (message === INVALID) return this.finish('bad-frame', 'the message is not valid UTF-8');
    const reply = (host.service.message as (message: unknown, client: this) => unknown)(message, this);
    if (reply === undefined) return;
    if (reply === message && this.#isInPlace(bytes, begin, frame) && this.replyInPlace(begin, frame.next)) return;
    // Most replies are bytes: looking for a `then` on them costs more than the rest of this function.
    if (!(reply instanceof Uint8Array) && isThenable(reply)) this.#await(reply);
    else this.reply(reply);
  }

  /** Whether the message of `frame` is a view of the read buffer, and its frame what a reply's would be. */
  #isInPlace(bytes: Buffer, begin: number, frame: Frame): boolean {
    const { borrows, framing, input } = this.host;
    return borrows && bytes === input.bytes && frame.next - begin === frame.end - frame.start + framing.overhead;
  }

  #await(reply: PromiseLike<unknown>): void {
    this.#pending = true;
    this.#since = this.host.time;
    this.host.awaiting++;
    this.#onReply ??= (value) => this.#replied(value);
    this.#onError ??= (error) => this.#rejected(error);
    this.#isAsking = true;
    reply.then(this.#onReply, this.#onError);
    this.#isAsking = false;
  }

  #replied(reply: unknown): void {
    if (!this.#pending) return;
    const { host } = this;
    this.#pending = false;
    host.awaiting--;
    host.time = performance.now();
    if (reply !== OPENED && !this.#isAsking) host.row.countMessages(1, toMicroseconds(host.time - this.#since));
    try {
      if (reply !== undefined && reply !== OPENED) this.reply(reply);
    } catch (error) {
      this.serviceFailed(error);
    }
    if (!this.#isAsking) this.resume();
  }

  #rejected(error: unknown): void {
    if (!this.#pending) return;
    this.#pending = false;
    this.host.awaiting--;
    this.host.time = performance.now();
    this.serviceFailed(error);
    if (!this.#isAsking) this.resume();
  }

  #count(messages: number): void {
    const { host } = this;
    const now = performance.now();
    host.row.countMessages(this.#pending ? messages - 1 : messages, toMicroseconds(now - host.time));
    host.time = now;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
