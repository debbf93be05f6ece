/** Serves a client of a service with `message`: one call for each message, in order, one at a time. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each message.
import { type FrameStatus, INCOMPLETE, MESSAGE, SKIPPED } from '../framing/frame.ts';
import { isExpensive } from '../sharing/client-kind.ts';
import { toMicroseconds } from '../sharing/latency-buckets.ts';
import { callContext } from './call-context.ts';
import type { Codec } from './codec/codec.ts';
import { CLOSED, DRAINING, GIVING_WAY, SERVING, UNREADY, YIELDING } from './flags.ts';
import type { ServedConnection, Strategy, StrategyContext } from './strategy.ts';

/** What an async `open` resolves to: it is no reply, and was no message. */
const OPENED = Symbol('opened');

/** A handler that has blocked its thread for longer, in ms, makes other times uncertain by as much (`reactor/look-times.ts`). */
const LONG_MS = 1;

/** A message that costs more than this on average, in ms, has the clock looked at after each of its client's; else, after each of 16. */
const SLOW_MS = 0.1;
const EACH = 0;
const EACH_OF_16 = 15;

/** A handler is running. */
const PENDING = SERVING | UNREADY;

export class PerMessage implements Strategy {
  readonly #client: ServedConnection;
  readonly #context: StrategyContext;
  /** Since when a handler is running, in `performance.now()` ms. */
  #since = 0;
  /** The floor of the wait for it (`reactor/look-times.ts`). */
  #floor = 0;
  /** After how many messages the clock is looked at while there are more: a mask of their count. */
  #clockMask = EACH;
  #onReply: ((reply: unknown) => void) | undefined = undefined;
  #onError: ((error: unknown) => void) | undefined = undefined;

  constructor(client: ServedConnection, context: StrategyContext) {
    this.#client = client;
    this.#context = context;
  }

  get codec(): Codec {
    return this.#client.codec;
  }

  opened(): void {
    const { service } = this.#context;
    if (service.open === undefined) return;
    try {
      const opening = service.open(this.#client);
      if (isThenable(opening)) this.#await(asPromise(opening).then(() => OPENED));
    } catch (error) {
      this.#client.serviceFailed(error);
    }
    if (callContext.isEntered) callContext.leave();
  }

  deliver(bytes: Buffer, from: number, to: number): number {
    const client = this.#client;
    let at = from;
    let codec: Codec;
    do {
      codec = client.codec;
      at = this.#deliverIn(codec, bytes, at, to);
    } while (codec !== client.codec && at < to && client.takesInput);
    return at;
  }

  /** Goes on while the framing stays. The loop is not taken apart: it is most of what a message costs here. */
  #deliverIn(codec: Codec, bytes: Buffer, from: number, to: number): number {
    const client = this.#client;
    const { answers, frame, rate, reader, row, table, turn } = this.#context;
    const { framing, lends, readMessage } = codec;
    const { fd, output } = client;
    let at = from;
    let messages = 0;
    frame.scanned = reader.scanned;
    reader.scanned = 0;
    try {
      while (at < to && client.takesInput) {
        const status = framing.decode(bytes, at, to, frame);
        if (status !== MESSAGE) {
          at = status === SKIPPED ? frame.next : this.#noMessage(status, at, to);
          if (status === SKIPPED) continue;
          break;
        }
        if (rate !== undefined && !rate.admits(client)) break;
        const { next } = frame;
        row.beat(fd);
        messages++;
        const message = readMessage(bytes, frame);
        if (callContext.isEntered) callContext.leave();
        const reply = message === undefined ? this.#refuseText() : answers.message(message, client);
        // Changed where it lies, in a frame that is what a reply's would be: it is the reply.
        const isSame = client.codec === codec;
        const isInPlace =
          bytes === lends && reply === message && next - at === frame.end - frame.start + framing.overhead && isSame;
        if (!isInPlace || !output.replyInPlace(at, next)) this.#answer(reply);
        at = next;
        if (isExpensive(table.kind(fd)) && !client.is(DRAINING)) client.set(YIELDING);
        else if ((messages & this.#clockMask) === 0 && at < to) turn.giveWayWithRest(client, performance.now());
        if (!isSame) break;
      }
    } catch (error) {
      client.serviceFailed(error);
      at = to;
    }
    this.#called(messages);
    return at;
  }

  /** What was decoded of `[at, to)` is no message; returns where the rest begins that is kept for later. */
  #noMessage(status: FrameStatus, at: number, to: number): number {
    const { frame, reader } = this.#context;
    if (status === INCOMPLETE) {
      reader.scanned = frame.scanned;
      return at;
    }
    this.#client.refuseFrame(status);
    return to;
  }

  deliverLast(bytes: Buffer): boolean {
    const { answers, frame, rate, row } = this.#context;
    if (rate?.admits(this.#client) === false) return false;
    const { readMessage } = this.#client.codec;
    try {
      row.beat(this.#client.fd);
      const message = readMessage(bytes, frame);
      this.#answer(message === undefined ? this.#refuseText() : answers.message(message, this.#client));
    } catch (error) {
      this.#client.serviceFailed(error);
    }
    this.#called(1);
    return true;
  }

  inputEnded(): void {
    if (!this.#client.is(PENDING)) this.#client.finish('client-finished');
  }

  drained(): void {
    this.#client.finish('shutdown');
  }

  closed(): void {
    if (this.#client.is(PENDING)) this.#context.awaiting--;
    this.#client.unset(PENDING);
  }

  send(message: unknown): Promise<void> {
    return this.#client.sendLater(message);
  }

  receive(): Promise<never> {
    return Promise.reject(
      new Error(
        'receive, read, readUntil and body are for services with a session function; message gets its messages itself',
      ),
    );
  }

  receiveAs(): Promise<never> {
    return this.receive();
  }

  skip(): void {} // Nothing was read.

  next(): Promise<never> {
    return this.receive();
  }

  /** There is no message, so there is no reply. */
  #refuseText(): undefined {
    this.#client.finish('bad-frame', 'the message is not valid UTF-8');
  }

  /** Sends what the service has returned, or will. */
  #answer(reply: unknown): void {
    if (reply === undefined) return;
    // Most replies are bytes: looking for a `then` on them costs more than the rest of this function.
    if (!(reply instanceof Uint8Array) && isThenable(reply)) this.#await(reply);
    else this.#client.output.reply(reply);
  }

  #await(reply: PromiseLike<unknown>): void {
    if (callContext.isEntered) callContext.leave(); // What follows, the next message too, comes in the context of now.
    this.#client.set(PENDING);
    this.#since = this.#context.time;
    this.#floor = this.#context.looks.floor;
    this.#context.awaiting++;
    this.#onReply ??= (value) => this.#replied(value);
    this.#onError ??= (error) => this.#rejected(error);
    asPromise(reply).then(this.#onReply, this.#onError);
  }

  #replied(reply: unknown): void {
    const client = this.#client;
    const context = this.#context;
    if (!client.is(PENDING)) return;
    client.unset(PENDING);
    context.awaiting--;
    context.time = performance.now();
    if (reply !== OPENED) this.#countOne();
    try {
      if (reply !== undefined && reply !== OPENED) client.output.reply(reply);
    } catch (error) {
      client.serviceFailed(error);
    }
    context.turn.giveWay(client, context.time);
    client.resume();
  }

  #rejected(error: unknown): void {
    if (!this.#client.is(PENDING)) return;
    this.#client.unset(PENDING);
    this.#context.awaiting--;
    this.#context.time = performance.now();
    this.#client.serviceFailed(error);
    this.#client.resume();
  }

  /** The service was called for so many messages. */
  #called(messages: number): void {
    if (callContext.isEntered) callContext.leave();
    if (messages === 0) return;
    const context = this.#context;
    const { looks, row, time } = context;
    const now = performance.now();
    const answered = this.#client.is(PENDING) ? messages - 1 : messages;
    row.countWait(toMicroseconds(time - looks.floor));
    if (answered > 0) {
      row.countMessages(answered, toMicroseconds(now - time));
      row.countResponses(answered, toMicroseconds(now - looks.floor));
    }
    context.time = now;
    this.#clockMask = now - time > messages * SLOW_MS ? EACH : EACH_OF_16;
    if (now - time > LONG_MS && !this.#client.is(CLOSED | GIVING_WAY)) looks.hasBlocked(this.#client.fd, now);
  }

  /** Counts the message whose handler was running until now. */
  #countOne(): void {
    const { row, time } = this.#context;
    row.countMessages(1, toMicroseconds(time - this.#since));
    row.countResponses(1, toMicroseconds(time - this.#floor));
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** What is no promise of JavaScript's own may answer at once, in the middle of a read, or deep in a stack; a promise never does. */
function asPromise(value: PromiseLike<unknown>): PromiseLike<unknown> {
  return value instanceof Promise ? value : new Promise((resolve) => resolve(value));
}
