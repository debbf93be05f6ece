/** Serves a client by `message`: one call for each message, in order, one at a time. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each message.
import { INCOMPLETE, MESSAGE } from '../framing/frame.ts';
import { isExpensive } from '../sharing/client-kind.ts';
import { toMicroseconds } from '../sharing/latency-buckets.ts';
import { callContext } from './call-context.ts';
import { DRAINING, SERVING, UNREADY, YIELDING } from './flags.ts';
import { Connection } from './connection.ts';

/** The service as it is here. */
interface Answering {
  message(message: unknown, client: unknown): unknown;
}

/** What an async `open` resolves to: it is no reply, and was no message. */
const OPENED = Symbol('opened');

/** A handler is running. */
const PENDING = SERVING | UNREADY;

export class MessageConnection extends Connection {
  /** Since when a handler is running, in `performance.now()` ms. */
  #since = 0;
  #onReply: ((reply: unknown) => void) | undefined = undefined;
  #onError: ((error: unknown) => void) | undefined = undefined;

  receive(): Promise<unknown> {
    return Promise.reject(
      new Error('receive is for services with a session function; message gets its messages itself'),
    );
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return { next: () => this.receive() as Promise<never> };
  }

  opened(): void {
    const { service } = this.context;
    if (service.open === undefined) return;
    try {
      const opening = service.open(this);
      if (isThenable(opening)) this.#await(asPromise(opening).then(() => OPENED));
    } catch (error) {
      this.serviceFailed(error);
    }
    if (callContext.isEntered) callContext.leave();
  }

  protected deliver(bytes: Buffer, from: number, to: number): number {
    const { fd, context } = this;
    const { frame, framing, reader, readMessage, row, table } = context;
    const service = context.service as Answering;
    const isLent = bytes === context.lends;
    let at = from;
    let messages = 0;
    frame.scanned = reader.scanned;
    reader.scanned = 0;
    try {
      while (at < to && this.takesInput) {
        const status = framing.decode(bytes, at, to, frame);
        if (status !== MESSAGE) {
          if (status === INCOMPLETE) {
            reader.scanned = frame.scanned;
            break;
          }
          this.refuseFrame(status);
          at = to;
          break;
        }
        const { next } = frame;
        row.beat(fd);
        messages++;
        const message = readMessage(bytes, frame);
        if (callContext.isEntered) callContext.leave();
        const reply = message === undefined ? this.#refuseText() : service.message(message, this);
        // Changed where it lies, in a frame that is what a reply's would be: it is the reply.
        const isInPlace = isLent && reply === message && next - at === frame.end - frame.start + framing.overhead;
        if (!isInPlace || !this.replyInPlace(at, next)) this.#answer(reply);
        at = next;
        if (isExpensive(table.kind(fd)) && !this.is(DRAINING)) this.set(YIELDING);
      }
    } catch (error) {
      this.serviceFailed(error);
      at = to;
    }
    if (callContext.isEntered) callContext.leave();
    if (messages > 0) this.#count(messages);
    return at;
  }

  protected deliverLast(bytes: Buffer): void {
    const { frame, readMessage, row } = this.context;
    const service = this.context.service as Answering;
    try {
      row.beat(this.fd);
      const message = readMessage(bytes, frame);
      this.#answer(message === undefined ? this.#refuseText() : service.message(message, this));
    } catch (error) {
      this.serviceFailed(error);
    }
    if (callContext.isEntered) callContext.leave();
    this.#count(1);
  }

  protected inputEnded(): void {
    if (!this.is(PENDING)) this.finish('client-finished');
  }

  protected wasClosed(): void {
    if (this.is(PENDING)) this.context.awaiting--;
    this.unset(PENDING);
  }

  /** There is no message, so there is no reply. */
  #refuseText(): undefined {
    this.finish('bad-frame', 'the message is not valid UTF-8');
  }

  /** Sends what the service has returned, or will. */
  #answer(reply: unknown): void {
    if (reply === undefined) return;
    // Most replies are bytes: looking for a `then` on them costs more than the rest of this function.
    if (!(reply instanceof Uint8Array) && isThenable(reply)) this.#await(reply);
    else this.reply(reply);
  }

  #await(reply: PromiseLike<unknown>): void {
    if (callContext.isEntered) callContext.leave(); // What follows, the next message too, comes in the context of now.
    this.set(PENDING);
    this.#since = this.context.time;
    this.context.awaiting++;
    this.#onReply ??= (value) => this.#replied(value);
    this.#onError ??= (error) => this.#rejected(error);
    asPromise(reply).then(this.#onReply, this.#onError);
  }

  #replied(reply: unknown): void {
    if (!this.is(PENDING)) return;
    const { context } = this;
    this.unset(PENDING);
    context.awaiting--;
    context.time = performance.now();
    if (reply !== OPENED) context.row.countMessages(1, toMicroseconds(context.time - this.#since));
    try {
      if (reply !== undefined && reply !== OPENED) this.reply(reply);
    } catch (error) {
      this.serviceFailed(error);
    }
    this.resume();
  }

  #rejected(error: unknown): void {
    if (!this.is(PENDING)) return;
    this.unset(PENDING);
    this.context.awaiting--;
    this.context.time = performance.now();
    this.serviceFailed(error);
    this.resume();
  }

  #count(messages: number): void {
    const { context } = this;
    const now = performance.now();
    context.row.countMessages(this.is(PENDING) ? messages - 1 : messages, toMicroseconds(now - context.time));
    context.time = now;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** What is no promise of JavaScript's own may answer at once, in the middle of a read, or deep in a stack; a promise never does. */
function asPromise(value: PromiseLike<unknown>): PromiseLike<unknown> {
  return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
}
