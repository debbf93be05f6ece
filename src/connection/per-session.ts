/** Serves a client of a service with `session`: one async function for the whole of its life. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each message.
import { crash } from '../errors.ts';
import { INCOMPLETE, MESSAGE, SKIPPED } from '../framing/frame.ts';
import { elapsed, sharedTime } from '../sharing/clock.ts';
import { toMicroseconds } from '../sharing/latency-buckets.ts';
import { ensureStack } from '../sys/stack-room.ts';
import { type ReceiveOptions, type WaitLimits, waitLimits, waitWithin } from './asked/receive-within.ts';
import { MessagesAhead } from './bytes/messages-ahead.ts';
import { callContext } from './call-context.ts';
import type { Codec } from './codec/codec.ts';
import {
  ANSWERED,
  BLOCKED,
  CALLED,
  CLOSED,
  ENDED,
  FINISHING,
  FLUSHING,
  GIVING_WAY,
  NO_OUTPUT,
  SECURING,
  SENDS_SEVERAL,
  SERVING,
  UNREADY,
} from './flags.ts';
import type { ServedConnection, Strategy, StrategyContext } from './strategy.ts';
import { takeKept } from './turn/take-kept.ts';
import { messageTracing } from './tracing.ts';

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
const SENDS_LATER = BLOCKED | FINISHING | CLOSED | FLUSHING | ANSWERED | SENDS_SEVERAL | NO_OUTPUT | SECURING;

export class PerSession implements Strategy {
  readonly #client: ServedConnection;
  readonly #context: StrategyContext;
  /** The session waits for a message, so it is not `UNREADY`: this settles its promise, which is the one below. */
  #resolve: ((value: unknown) => void) | undefined = undefined;
  #message: Promise<unknown> | undefined = undefined;
  /** How the message that it waits for is read, if not with the client's framing. */
  #once: Codec | undefined = undefined;
  /** How the last one was. */
  #last: Codec | undefined = undefined;
  /** What it waits for is under `messageTimeout`, whether any of it has come or not. */
  #hurries = false;
  /** So many bytes are dropped before the next message. */
  #skipped = 0;
  /** What was read of the messages that it has not asked for yet. */
  #ahead: MessagesAhead | undefined = undefined;
  /** It waits in an iteration. */
  #iterates = false;
  /** The client's end was taken: `receive` gives `undefined` from now on. */
  #over = false;
  /** When the client was last active, if the session has given up a wait since: to wait anew is no activity. */
  #idleSince = 0;
  /** So long the session has waited for the message that has begun, in ms, if it has given up since: to wait anew is no new time for it. */
  #waited = 0;
  /** The message that the session is working on came at this time, in `performance.now()` ms. */
  #since = 0;
  /** The floor of the wait for it (`reactor/look-times.ts`). */
  #floor = 0;

  constructor(client: ServedConnection, context: StrategyContext) {
    this.#client = client;
    this.#context = context;
  }

  get codec(): Codec {
    return this.#once ?? this.#client.codec;
  }

  opened(): void {
    this.#client.set(SERVING | UNREADY);
    this.#context.awaiting++;
    this.#run().catch(crash);
    if (callContext.isEntered) callContext.leave();
  }

  /**
   * An answer leaves at once: other sessions, which go on before the callbacks are done, may take their time. Several
   * leave together, from the second one on; all of them once the session is known for it.
   */
  send(message: unknown, later = false): Promise<void> {
    const client = this.#client;
    this.#idleSince = 0;
    if (!later && client.is(UNREADY) && !client.is(SENDS_LATER) && client.input.isTaken) return this.#answer(message);
    if (client.is(ANSWERED)) client.set(SENDS_SEVERAL);
    return client.sendLater(message);
  }

  #answer(message: unknown): Promise<void> {
    const client = this.#client;
    client.set(CALLED);
    try {
      const sent = client.orRefused(client.output.now(message));
      client.set(ANSWERED);
      if (client.is(BLOCKED)) client.flushSoon(); // Then it is watched for room.
      return sent;
    } finally {
      client.unset(CALLED);
    }
  }

  receive(options?: ReceiveOptions): Promise<unknown> {
    return options === undefined ? this.#next(false) : handled(this.#receiveWithin(options));
  }

  /** Errors of the options reject, as all others do. */
  async #receiveWithin(options: ReceiveOptions): Promise<unknown> {
    return waitWithin(this, waitLimits('receive', 'message', options), () => this.#next(false));
  }

  waitsFor(message: Promise<unknown>): boolean {
    return this.#resolve !== undefined && this.#message === message;
  }

  giveUp(message: Promise<unknown>, error: unknown): void {
    if (!this.waitsFor(message)) return;
    const context = this.#context;
    const client = this.#client;
    const { table } = context;
    this.#idleSince = table.lastActivity(client.fd);
    const startedAt = table.messageStartedAt(client.fd);
    this.#waited = startedAt === 0 ? 0 : elapsed(startedAt, sharedTime(performance.now()));
    const resolve = this.#takeResolve();
    this.#message = undefined;
    context.awaiting++;
    context.time = performance.now();
    client.lease.messageDone();
    message.catch(ignore);
    resolve?.(Promise.reject(error));
    client.resume();
  }

  receiveAs(codec: Codec, hurries: boolean, limits?: WaitLimits): Promise<unknown> {
    if (limits === undefined) return this.#next(false, codec, hurries);
    return handled(waitWithin(this, limits, () => this.#next(false, codec, hurries)));
  }

  skip(length: number): void {
    this.#skipped += length;
    this.#waited = 0;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    return this.#next(true) as Promise<IteratorResult<unknown, undefined>>;
  }

  #next(iterates: boolean, once?: Codec, hurries = false): Promise<unknown> {
    ensureStack();
    const client = this.#client;
    if (this.#resolve !== undefined)
      return Promise.reject(new Error('receive was called before the last one has ended'));
    if (client.is(CLOSED) || !client.is(SERVING)) return handled(Promise.reject(client.closedError()));
    this.#countMessage();
    this.#iterates = iterates;
    this.#once = once;
    if (this.#over) return Promise.resolve(this.#given(undefined));
    const givesWay = this.#context.turn.giveWay(client, this.#context.time);
    const ready = givesWay ? undefined : this.#takeReady();
    if (ready !== undefined) return Promise.resolve(this.#given(ready));
    const message = new Promise<unknown>(keepResolve);
    this.#resolve = resolveMade;
    client.unset(UNREADY | ANSWERED);
    this.#message = message;
    this.#context.awaiting--;
    if (this.codec !== this.#last) client.input.scanAnew();
    this.#last = this.codec;
    this.#hurries = hurries;
    const idleSince = this.#idleSince;
    this.#idleSince = 0;
    if (this.#waited !== 0) this.#goOnWaiting();
    this.#takeMore();
    const isWaiting = this.#resolve !== undefined && !client.is(CLOSED | FINISHING);
    if (isWaiting && (hurries || this.#skipped > 0)) client.lease.messageStarted(false);
    if (isWaiting && idleSince !== 0) this.#context.table.setLastActivity(client.fd, idleSince);
    return message;
  }

  /** The message that has begun is not given more time than one that is waited for once. */
  #goOnWaiting(): void {
    const { fd, takesInput } = this.#client;
    if (takesInput || this.#client.is(GIVING_WAY))
      this.#context.table.setMessageStartedAt(fd, sharedTime(performance.now() - this.#waited));
    this.#waited = 0;
  }

  /** Takes the next message if it has come already; `undefined`: the session has to wait, or a turn has to look. */
  #takeReady(): unknown {
    const client = this.#client;
    const { codec } = this;
    if (codec !== this.#last || this.#skipped > 0 || this.#isRated) return undefined;
    if (messageTracing.isOn) this.#ahead?.forget(); // It knows nothing of their frames.
    client.set(CALLED);
    try {
      const message = takeKept(client, codec, this.#ahead, this.#context);
      if (message === undefined) return undefined;
      this.#once = undefined;
      this.#idleSince = 0;
      this.#waited = 0;
      client.unset(ANSWERED);
      this.#noteBegin();
      return message;
    } finally {
      client.unset(CALLED);
    }
  }

  /** Goes on in the call of the session. */
  #takeMore(): void {
    this.#client.set(CALLED);
    try {
      this.#client.resume();
    } finally {
      this.#client.unset(CALLED);
    }
  }

  /** What the session's promise resolves to. */
  #given(message: unknown): unknown {
    return this.#iterates ? { value: message, done: message === undefined } : message;
  }

  deliver(bytes: Buffer, from: number, to: number): number {
    const { frame, reader, row } = this.#context;
    const { codec } = this;
    const { framing } = codec;
    this.#ahead?.forget();
    frame.scanned = reader.scanned;
    let at = this.#skipped === 0 ? from : this.#skip(from, to);
    let status = framing.decode(bytes, at, to, frame);
    while (status === SKIPPED) {
      at = frame.next;
      status = framing.decode(bytes, at, to, frame);
    }
    reader.scanned = status === INCOMPLETE ? frame.scanned : 0;
    if (status === INCOMPLETE) return at;
    if (status !== MESSAGE) {
      this.#client.refuseFrame(status);
      return to;
    }
    if (!this.#isAdmitted()) return at;
    row.beat(this.#client.fd);
    const next = frame.next;
    this.#deliverMessage(bytes);
    if (next < to && bytes === this.#context.input.bytes && codec.readsAhead && !this.#isRated) {
      this.#ahead ??= new MessagesAhead();
      this.#ahead.read(codec, bytes, next, to, frame);
    }
    return next;
  }

  /** Drops what is to be dropped of `[from, to)`; returns where the rest begins. All of it is under `messageTimeout`, as one message. */
  #skip(from: number, to: number): number {
    const { lease } = this.#client;
    const length = Math.min(this.#skipped, to - from);
    this.#skipped -= length;
    if (this.#skipped === 0) lease.messageDone();
    else lease.messageStarted(false);
    return from + length;
  }

  deliverLast(bytes: Buffer): boolean {
    if (!this.#isAdmitted()) return false;
    this.#deliverMessage(bytes);
    return true;
  }

  #isAdmitted(): boolean {
    return !this.#isRated || this.#context.rate?.admits(this.#client) === true;
  }

  /** What is taken without the client's framing does not count: it is a part of a message that has been counted. */
  get #isRated(): boolean {
    return this.#context.rate !== undefined && this.#once === undefined;
  }

  #deliverMessage(bytes: Buffer): void {
    const message = this.codec.readMessage(bytes, this.#context.frame);
    if (message === undefined) this.#client.finish('bad-frame', 'the message is not valid UTF-8');
    else this.#wake(message);
  }

  inputEnded(): void {
    this.#over = true;
    if (!this.#client.is(UNREADY)) this.#wake(undefined);
  }

  /** The server is leaving: to the session, its client has finished. */
  drained(): void {
    if (this.#client.is(SERVING)) this.inputEnded();
    else this.#client.finish('shutdown');
  }

  closed(): void {
    const client = this.#client;
    const resolve = this.#takeResolve();
    this.#over = true;
    if (resolve !== undefined) {
      this.#message?.catch(ignore);
      resolve(Promise.reject(client.closedError()));
    } else if (client.is(SERVING)) this.#context.awaiting--;
    client.unset(SERVING);
  }

  #wake(message: unknown): void {
    const resolve = this.#takeResolve();
    if (resolve === undefined) return;
    this.#message = undefined;
    if (message !== undefined) this.#noteBegin();
    this.#context.awaiting++;
    resolve(this.#given(message));
  }

  /** The session's wait is over. */
  #takeResolve(): ((value: unknown) => void) | undefined {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    this.#once = undefined;
    if (this.#hurries) this.#client.lease.messageDone();
    this.#hurries = false;
    this.#client.set(UNREADY);
    return resolve;
  }

  async #run(): Promise<void> {
    const { service } = this.#context;
    const client = this.#client;
    try {
      await service.open?.(client);
      if (!client.is(CLOSED)) await (service.session as (client: ServedConnection) => Promise<void>)(client);
    } catch (error) {
      if (messageTracing.isOn) messageTracing.failed(client, error);
      client.serviceFailed(error);
    }
    if (!client.is(CLOSED)) this.#returned();
  }

  /** The session is over, and its connection with it. */
  #returned(): void {
    const client = this.#client;
    this.#countMessage();
    client.unset(SERVING);
    const resolve = this.#takeResolve();
    if (resolve === undefined) this.#context.awaiting--;
    else resolve(this.#given(undefined)); // It asked for a message and did not wait for it.
    client.finish(client.is(ENDED) ? 'client-finished' : this.#over ? 'shutdown' : 'server-finished');
    client.resume();
  }

  #countMessage(): void {
    const context = this.#context;
    context.time = performance.now();
    if (messageTracing.isOn) messageTracing.done(this.#client);
    if (this.#since !== 0) {
      context.row.countMessages(1, toMicroseconds(context.time - this.#since));
      context.row.countResponses(1, toMicroseconds(context.time - this.#floor));
    }
    this.#since = 0;
  }

  #noteBegin(): void {
    const { frame, looks, row, time } = this.#context;
    this.#since = time;
    this.#floor = looks.floor;
    row.countWait(toMicroseconds(time - looks.floor));
    if (messageTracing.isOn) messageTracing.begun(this.#client, frame.end - frame.start, row.number);
  }
}
