/** Serves a client by `session`: one async function for the client's whole life. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each message.
import { crash } from '../errors.ts';
import { INCOMPLETE, MESSAGE } from '../framing/frame.ts';
import { toMicroseconds } from '../sharing/latency-buckets.ts';
import { ensureStack } from '../sys/stack-room.ts';
import { callContext } from './call-context.ts';
import {
  ANSWERED,
  BLOCKED,
  CALLED,
  CLOSED,
  ENDED,
  FINISHING,
  FLUSHING,
  SENDS_SEVERAL,
  SERVING,
  UNREADY,
} from './flags.ts';
import { Connection } from './connection.ts';

/** What a promise that is being made is resolved with: one function for all, since a closure for each message is dear. */
let resolveMade: (value: unknown) => void;
function keepResolve(resolve: (value: unknown) => void): void {
  resolveMade = resolve;
}

/** A session may ask for a message ahead of the time when it awaits it: then nobody is to learn of the end, least of all the thread. */
function handled(message: Promise<unknown>): Promise<unknown> {
  message.catch(ignore);
  return message;
}

const ignore = (): void => {};

/** Any of these, and what a session sends waits until its callbacks are done: more is to leave with it, or before it. */
const SENDS_LATER = BLOCKED | FINISHING | CLOSED | FLUSHING | ANSWERED | SENDS_SEVERAL;

export class SessionConnection extends Connection {
  /** The session waits for a message, so it is not `UNREADY`: this settles its promise, which is the one below. */
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #message: Promise<unknown> | undefined = undefined;
  /** It waits in an iteration. */
  #iterates = false;
  /** The client's end was taken: `receive` gives `undefined` from now on. */
  #over = false;
  /** The message that the session is working on came at this time, in `performance.now()` ms. */
  #since = 0;

  opened(): void {
    this.set(SERVING | UNREADY);
    this.context.awaiting++;
    this.#run().catch(crash);
    if (callContext.isEntered) callContext.leave();
  }

  /**
   * An answer leaves at once: other sessions, which go on before the callbacks are done, may take their time. Several
   * leave together, from the second one on; all of them once the session is known for it.
   */
  override send(message: unknown): Promise<void> {
    ensureStack();
    if (!this.is(UNREADY) || this.is(SENDS_LATER) || this.inbox !== undefined) {
      if (this.is(ANSWERED)) this.set(SENDS_SEVERAL);
      return super.send(message);
    }
    this.set(CALLED);
    try {
      return this.#answer(message);
    } finally {
      this.unset(CALLED);
    }
  }

  #answer(message: unknown): Promise<void> {
    const sent = this.orRefused(this.sendAtOnce(message));
    this.set(ANSWERED);
    if (this.is(BLOCKED)) this.flushSoon(); // Then it is watched for room.
    return sent;
  }

  receive(): Promise<unknown> {
    return this.#next(false);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return { next: () => this.#next(true) as Promise<IteratorResult<unknown, undefined>> };
  }

  #next(iterates: boolean): Promise<unknown> {
    ensureStack();
    if (this.#resolve !== undefined)
      return Promise.reject(new Error('receive was called before the last one has ended'));
    if (this.is(CLOSED) || !this.is(SERVING)) return handled(Promise.reject(this.closedError()));
    this.#countMessage();
    this.#iterates = iterates;
    if (this.#over) return Promise.resolve(this.#given(undefined));
    const message = new Promise<unknown>(keepResolve);
    this.#resolve = resolveMade;
    this.unset(UNREADY | ANSWERED);
    this.#message = message;
    this.context.awaiting--;
    this.#takeMore();
    return message;
  }

  /** Goes on in the call of the session. */
  #takeMore(): void {
    this.set(CALLED);
    try {
      this.resume();
    } finally {
      this.unset(CALLED);
    }
  }

  /** What the session's promise resolves to. */
  #given(message: unknown): unknown {
    return this.#iterates ? { value: message, done: message === undefined } : message;
  }

  protected deliver(bytes: Buffer, from: number, to: number): number {
    const { frame, framing, reader, row } = this.context;
    frame.scanned = reader.scanned;
    const status = framing.decode(bytes, from, to, frame);
    reader.scanned = status === INCOMPLETE ? frame.scanned : 0;
    if (status === INCOMPLETE) return from;
    if (status !== MESSAGE) {
      this.refuseFrame(status);
      return to;
    }
    row.beat(this.fd);
    const next = frame.next;
    this.deliverLast(bytes);
    return next;
  }

  protected deliverLast(bytes: Buffer): void {
    const message = this.context.readMessage(bytes, this.context.frame);
    if (message === undefined) this.finish('bad-frame', 'the message is not valid UTF-8');
    else this.#wake(message);
  }

  protected inputEnded(): void {
    this.#over = true;
    if (!this.is(UNREADY)) this.#wake(undefined);
  }

  /** The server is leaving: to the session, its client has finished. */
  protected override drained(): void {
    if (this.is(SERVING)) this.inputEnded();
    else super.drained();
  }

  protected wasClosed(): void {
    const resolve = this.#takeResolve();
    this.#over = true;
    if (resolve !== undefined) {
      this.#message?.catch(ignore);
      resolve(Promise.reject(this.closedError()));
    } else if (this.is(SERVING)) this.context.awaiting--;
    this.unset(SERVING);
  }

  #wake(message: unknown): void {
    const resolve = this.#takeResolve();
    if (resolve === undefined) return;
    this.#message = undefined;
    if (message !== undefined) this.#since = this.context.time;
    this.context.awaiting++;
    resolve(this.#given(message));
  }

  /** The session's wait is over. */
  #takeResolve(): ((value: unknown) => void) | undefined {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    this.set(UNREADY);
    return resolve;
  }

  async #run(): Promise<void> {
    const { service } = this.context;
    try {
      await service.open?.(this);
      if (!this.is(CLOSED)) await (service.session as (client: this) => Promise<void>)(this);
    } catch (error) {
      this.serviceFailed(error);
    }
    if (this.is(CLOSED)) return;
    this.#countMessage();
    this.unset(SERVING);
    const resolve = this.#takeResolve();
    if (resolve === undefined) this.context.awaiting--;
    else resolve(this.#given(undefined)); // It asked for a message and did not wait for it.
    this.finish(this.is(ENDED) ? 'client-finished' : this.#over ? 'shutdown' : 'server-finished');
    this.resume();
  }

  #countMessage(): void {
    const { context } = this;
    context.time = performance.now();
    if (this.#since !== 0) context.row.countMessages(1, toMicroseconds(context.time - this.#since));
    this.#since = 0;
  }
}
