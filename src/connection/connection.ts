/** Leads one client through its states: an event comes, input is read and delivered, replies are sent, it settles, it ends. */
import type { HeddleError } from '../errors.ts';
import type { FrameStatus } from '../framing/frame.ts';
import type { Duration } from '../options/values/duration.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { Generation } from '../sharing/connection-table.ts';
import type { Deadlines } from '../sharing/deadlines.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT } from '../sys/constants.ts';
import { EAGAIN, errnoName } from '../sys/errno.ts';
import { ensureStack } from '../sys/stack-room.ts';
import { UNIX_PEER } from '../sys/structs/socket-address.ts';
import { SharedBuffer } from './bytes/saved-bytes.ts';
import { refused } from './bytes/send-queue.ts';
import type { ClientTls, LocalAddress } from './client.ts';
import { signalGoing } from './asked/client-signal.ts';
import { allSent, closeClient, endOutput, resetClient } from './asked/end-output.ts';
import { setIdleTimeout } from './asked/idle-timeout.ts';
import { localOf } from './asked/local-address.ts';
import { sendLater } from './asked/send-later.ts';
import { canStartTls, startTls, type TlsStart } from './asked/start-tls.ts';
import type { ReceiveOptions } from './asked/receive-within.ts';
import { changeFraming } from './codec/change-framing.ts';
import { type Codec, codecFor } from './codec/codec.ts';
import { readBody, readPiece, readUntil, sendAll } from './codec/unframed.ts';
import type { CalledBack, ThreadContext } from './context.ts';
import type { ServedClient } from './end/close.ts';
import { Ending, type EndingConnection } from './end/ending.ts';
import { refuseFrame, sendFailed, serviceFailed } from './end/failures.ts';
import { takeLastMessage } from './end/last-message.ts';
import { endIfLate, missedEvents } from './end/late.ts';
import {
  BLOCKED,
  CALLED,
  CLOSED,
  DRAINING,
  END_NOTED,
  ENDED,
  FINISHING,
  FLUSHING,
  GIVING_WAY,
  GOING,
  LINGERING,
  OUTPUT_ENDED,
  REFRAMED,
  SERVING,
  SIGNALS,
  TAKES_NO_INPUT,
  WAITS_FOR_TURN,
  WAITS_SENT,
} from './flags.ts';
import { Input } from './input.ts';
import { GOING_EVENTS } from './interest.ts';
import { Lease } from './lease.ts';
import { Output, type OutputOwner } from './output.ts';
import { becomeIdle, savedFlags, settle, type Settling, takeTurn } from './settle.ts';
import { callContext } from './call-context.ts';
import { ClientState, readState, writeState } from './state/client-state.ts';
import type { ServedConnection, Strategy } from './strategy.ts';

/*
 * The way of the data: recv → decode → service → frame → send, in one call without a copy to keep, for a message that
 * is whole and a service that answers at once. What does not fit that way is kept: by the input, bytes without a whole
 * message, or that the service is not ready for; by the output, bytes that the kernel did not take.
 *
 * A service may call at any depth of its stack, so each of its calls first makes sure that there is enough of it: nothing of
 * this must stop half-way. What a call finds to be over ends when the callbacks are done, on an empty stack.
 */

/** Reads in a row from one client, before others get their turn. */
const READS = 16;

export class Connection implements ServedConnection, OutputOwner, EndingConnection, ServedClient, Settling, CalledBack {
  readonly fd: number;
  readonly id: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  tls: ClientTls | undefined;
  readonly input: Input;
  readonly output: Output;
  readonly lease: Lease;
  readonly rateKey: number;
  codec: Codec;
  readonly #strategy: Strategy;
  readonly #context: ThreadContext;
  #flags = 0;
  /** Why it ends, and how; since it is `FINISHING` or `CLOSED`. */
  ending: Ending | undefined = undefined;
  /** While it is `SECURING`. */
  tlsStart: TlsStart | undefined = undefined;
  /** What the service keeps with the client; `undefined`: nothing, as far as this thread knows. */
  kept: ClientState | undefined;
  /** How many of the bytes that had arrived when the drain began are still to be read. */
  #undrained = 0;

  /** Takes over a client whose slot this thread has just taken. `arrived`: what was read from it before. */
  constructor(context: ThreadContext, fd: number, generation: Generation, flags: number, arrived?: SharedBuffer) {
    const { blocks, reader, sys, table } = context;
    const [inbox, outbox] = [table.inbox(fd), table.outbox(fd)];
    const kept = arrived ?? (inbox && SharedBuffer.open(blocks, inbox, table.scanned(fd)));
    // Read now: later, the slot may be another client's.
    this.remoteAddress = sys.addressText(table.address(fd));
    this.remotePort = table.port(fd);
    this.tls = context.tlsOf(fd);
    this.fd = fd;
    this.kept = table.clientState(fd) === 0 ? undefined : new ClientState(context, fd);
    this.codec = codecFor(context.codecs.ofMode(table.mode(fd)) ?? context.codecs.first, this.kept?.framing);
    this.input = new Input(reader, fd, this.remoteAddress === UNIX_PEER, kept);
    this.output = new Output(context, this, fd, outbox && SharedBuffer.open(blocks, outbox));
    this.lease = new Lease(context, fd, generation, inbox !== undefined || outbox !== undefined);
    this.id = this.lease.id;
    this.rateKey = context.rate === undefined ? 0 : context.rate.keyOf(fd);
    this.#context = context;
    this.#strategy = context.makeStrategy(this);
    this.set(savedFlags(flags, outbox, this.codec));
  }

  /** Greets a client that is new to the server. */
  opened(): void {
    this.#strategy.opened();
  }

  /** Serves an event of epoll; `drains`: as `drain`, after that. The caller has the slot. */
  event(mask: number, drains: boolean): void {
    this.lease.begin();
    if (drains) this.#beginDrain();
    this.#serve(mask);
    this.#endTurn(drains);
    if (mask & GOING_EVENTS) signalGoing(this, this.#context.signals);
  }

  /** Serves what was read before this was made; `drains`: as `drain`, after that. The caller has the slot. */
  arrived(drains: boolean): void {
    this.lease.begin();
    if (drains) this.#beginDrain();
    this.input.noteMaybeReadable();
    this.#goOn();
    this.#endTurn(drains);
  }

  /** Answers what has arrived, then closes with reason `shutdown`. The caller has the slot. */
  drain(): void {
    this.lease.begin();
    this.#endTurn(true);
  }

  /** The connection is pinned. */
  resume(): void {
    if (this.is(CLOSED)) return;
    this.lease.begin();
    this.#goOn();
    this.#settle();
  }

  /** Serves a client that could not go back to the waiting room: it has had its message, and others have had their turn. */
  goOn(): void {
    if (this.is(CLOSED) || this.lease.isIdle || !this.is(WAITS_FOR_TURN)) return;
    this.lease.begin();
    this.#takeWorkLeft();
    this.#settle();
  }

  /** Closes a client that has let a deadline pass at `now`, a `sharedTime`. The caller has the slot. */
  checkDeadlines(deadlines: Deadlines, now: number, drains: boolean): void {
    this.lease.begin();
    const missed = missedEvents(this, this.#context.sys);
    if (missed & EPOLLIN) this.lease.noteActivity();
    this.#serve(missed);
    if (this.is(CLOSED)) return;
    const isLate = endIfLate(this, this.#context, deadlines, now);
    this.#endTurn(drains && !isLate);
  }

  /** Sends what was put off; called when the callbacks that sent it are done. */
  flushNow(): void {
    const isReframed = this.is(REFRAMED);
    this.unset(FLUSHING | REFRAMED);
    if (this.is(END_NOTED)) return this.#close();
    // Idle, it was flushed with the turn that sent it, and may be another thread's by now.
    if (this.is(CLOSED) || this.lease.isIdle) return;
    if (this.lease.isPinned && this.output.isSent && !this.is(FINISHING | WAITS_SENT) && !isReframed) return;
    this.lease.begin();
    if (isReframed) callContext.run(() => this.#goOn()); // Another client may have asked for this call.
    this.#flush();
    this.#settle();
  }

  /** Looks again at a connection that lingers. */
  checkLinger(): void {
    if (!this.is(CLOSED)) this.ending?.check();
  }

  #serve(mask: number): void {
    if (this.is(WAITS_FOR_TURN)) this.#takeWorkLeft();
    if (mask & EPOLLOUT) this.#writable();
    if (mask & (EPOLLIN | EPOLLHUP | EPOLLERR)) this.#readable(mask);
  }

  #readable(mask: number): void {
    if (this.is(CLOSED)) return;
    if (mask & GOING_EVENTS) this.set(GOING);
    this.input.noteReadable(mask);
    if (this.#canRead()) this.#read();
    else if (this.is(LINGERING)) this.ending?.discard();
    else if (mask & (this.is(OUTPUT_ENDED) ? EPOLLERR : EPOLLHUP | EPOLLERR)) this.closeNow('client-reset');
  }

  #canRead(): boolean {
    return !this.is(TAKES_NO_INPUT | ENDED);
  }

  /** Reads and serves what there is to read, as far as that may be now, or until others have to get their turn. */
  #read(): void {
    for (let reads = 0; reads < READS && this.input.isUnread && this.#canRead(); reads++) {
      const received = this.input.read();
      if (received > 0) {
        this.#deliver();
        this.#flush();
        if (this.is(DRAINING) && (this.#undrained -= received) <= 0) return;
        if (this.input.isUnread && this.#context.turn.isOver(this.#context.time)) return;
      } else if (received !== EAGAIN) return this.#inputOver(received);
    }
  }

  /** Gives the service what the reader has, as far as it wants it. */
  #deliver(): void {
    const { reader } = this.#context;
    const { from } = reader;
    const rest = this.#strategy.deliver(reader.bytes, from, reader.to);
    if (rest === reader.to && this.input.isTaken) return; // All of it was taken, and nothing had to be kept before.
    if (this.is(FINISHING | CLOSED)) this.input.drop();
    else this.input.keep(rest);
    if (this.is(CLOSED)) return;
    if (!this.input.isTaken && this.takesInput) this.lease.messageStarted(rest > from);
    else this.lease.messageDone();
  }

  #inputOver(received: number): void {
    if (received < 0) return this.closeNow('client-reset', errnoName(received));
    this.set(ENDED);
    takeLastMessage(this, this.#strategy, this.#context);
    this.#flush();
  }

  #writable(): void {
    if (this.is(CLOSED) || !this.is(BLOCKED)) return;
    const before = this.output.length;
    this.output.unblock();
    this.#flush();
    if (this.is(CLOSED)) return;
    if (this.output.length < before) this.lease.writeStalled(); // It has read something.
    if (!this.is(BLOCKED)) this.#goOn();
  }

  /** Goes on where this stopped: with what was read and not taken, then with what is there to read. */
  #goOn(): void {
    if (this.takesInput && this.input.rest()) this.#deliver();
    if (this.is(ENDED) && this.takesInput) takeLastMessage(this, this.#strategy, this.#context);
    else if (this.is(DRAINING)) this.#takeArrived();
    else this.#read();
    if (!this.is(SERVING) || this.takesInput || this.is(FINISHING | GIVING_WAY)) return this.#flush();
    this.output.stashReplies(); // More is to come: it goes out together when the callbacks are done.
    if (!this.output.isSent) this.flushSoon();
  }

  /** Serves what was read and left: this is the client's turn. */
  #takeWorkLeft(): void {
    takeTurn(this);
    this.#goOn();
  }

  /** What arrives from now on is not answered: a client that says more with each reply would never be done. */
  #beginDrain(): void {
    this.input.noteMaybeReadable();
    if (this.is(DRAINING | CLOSED)) return;
    this.set(DRAINING);
    this.#context.rate?.lift(this);
    this.#undrained = this.#context.sys.unread(this.fd);
  }

  #drain(): void {
    this.#beginDrain();
    if (this.is(WAITS_FOR_TURN)) this.#takeWorkLeft();
    else this.#takeArrived();
  }

  /** Takes what has arrived; when the service has answered all of it, the connection is over. */
  #takeArrived(): void {
    const { sys } = this.#context;
    while (this.input.isUnread && this.#canRead() && (this.#undrained > 0 || sys.unread(this.fd) === 0)) this.#read();
    if (!this.takesInput) return;
    this.#strategy.drained();
    this.#flush();
  }

  /** Sends all that waits, and goes on to close if that was the last. */
  #flush(): void {
    if (this.is(CLOSED)) return;
    this.output.flush();
    if (this.is(FINISHING | WAITS_SENT) && this.output.isSent && !this.is(CLOSED)) allSent(this, this.#context.sys);
  }

  #endTurn(drains: boolean): void {
    if (drains) this.#drain();
    if (this.is(FINISHING | FLUSHING)) this.#flush();
    this.#settle();
  }

  /** Gives the connection up until its next event: idle if nothing is kept for it. */
  #settle(): void {
    if (this.is(CLOSED)) return;
    this.lease.noteActivity();
    if (this.#flags === 0 && this.input.isClear && this.output.isClear && this.lease.isClear) becomeIdle(this);
    else settle(this, this.#context);
  }

  send(message: unknown): Promise<void> {
    ensureStack();
    return this.#strategy.send(message);
  }

  receive(options?: ReceiveOptions): Promise<unknown> {
    return this.#strategy.receive(options);
  }

  read(most?: number, options?: ReceiveOptions): Promise<Buffer | undefined> {
    return readPiece(this.#strategy, this.#context, most, options);
  }

  readUntil(mark: string | Uint8Array, options?: ReceiveOptions): Promise<Buffer | undefined> {
    return readUntil(this.#strategy, this.#context, mark, options);
  }

  body(length: number, options?: ReceiveOptions): AsyncIterable<Buffer> {
    return readBody(this, this.#strategy, this.#context, length, options);
  }

  sendAll(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    return sendAll(this, this.#strategy, pieces);
  }

  get canStartTls(): boolean {
    return canStartTls(this, this.#context);
  }

  startTls(): Promise<ClientTls> {
    return startTls(this, this.#context);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return { next: () => this.#strategy.next() };
  }

  close(): void {
    closeClient(this);
  }

  end(): void {
    endOutput(this);
  }

  reset(): void {
    resetClient(this);
  }

  idleTimeout(duration: Duration): void {
    setIdleTimeout(this, this.#context, duration);
  }

  get local(): LocalAddress {
    return localOf(this, this.#context.sys);
  }

  get signal(): AbortSignal {
    return this.#context.signals.of(this);
  }

  get framing(): string | undefined {
    return this.codec.name;
  }

  set framing(name: string | undefined) {
    changeFraming(this, this.#context, name);
  }

  get state(): unknown {
    return readState(this, this.#context);
  }

  set state(value: unknown) {
    writeState(this, this.#context, value);
  }

  sendLater(message: unknown): Promise<void> {
    return sendLater(this, message);
  }

  orRefused(sent: Promise<void>): Promise<void> {
    return this.is(FINISHING) ? refused(this.closedError()) : sent;
  }

  flushSoon(): void {
    if (this.is(FLUSHING)) return;
    this.set(FLUSHING);
    this.#context.flushSoon(this);
  }

  finish(reason: CloseReason, detail?: string): void {
    if (this.is(CLOSED | FINISHING)) return;
    this.set(FINISHING);
    this.#endFor(reason, detail);
    this.input.drop();
    this.lease.messageDone();
  }

  /** Closes at once for `reason`, without sending anything more. The slot is this thread's. */
  closeNow(reason: CloseReason, detail?: string): void {
    if (this.is(CLOSED)) return;
    this.#endFor(reason, detail);
    this.set(CLOSED);
    if (!this.is(CALLED)) return this.#close();
    this.set(END_NOTED);
    this.flushSoon();
  }

  cutOff(reason: CloseReason, detail: string): void {
    if (!this.is(CLOSED)) this.#context.sys.discardOnClose(this.fd);
    this.closeNow(reason, detail);
  }

  letGo(reason: CloseReason): void {
    this.kept?.letGo();
    if (this.is(SIGNALS)) this.#context.signals.closed(this);
    this.#context.closed(this, reason);
    this.#strategy.closed();
    this.tlsStart?.closed();
    this.lease.begin();
    this.input.drop();
    this.output.drop(() => this.closedError());
    this.lease.noteKept(0, 0);
  }

  closedError(): HeddleError {
    return (this.ending ?? this.#endFor('client-reset')).error;
  }

  refuseFrame(status: FrameStatus): void {
    refuseFrame(this, this.#context, status);
  }

  serviceFailed(error: unknown): void {
    serviceFailed(this, this.#context, error);
  }

  sendFailed(errno: number): void {
    sendFailed(this, this.#context, errno);
  }

  replyTooLong(length: number): void {
    this.finish('over-limit', `a reply of ${length} bytes is more than can be sent: send it in pieces`);
  }

  checkSoon(): void {
    this.#context.lingers(this);
  }

  #close(): void {
    const { closer, row } = this.#context;
    const { reason, detail } = this.ending as Ending;
    this.unset(END_NOTED);
    closer.close(this.fd, this.lease.generation, row, reason, detail, this);
  }

  #endFor(reason: CloseReason, detail?: string): Ending {
    const ending = (this.ending ??= new Ending(this.#context, this, reason, detail));
    ending.reason = reason;
    ending.detail = detail;
    return ending;
  }

  is(flags: number): boolean {
    return (this.#flags & flags) !== 0;
  }

  set(flags: number): void {
    this.#flags |= flags;
  }

  unset(flags: number): void {
    this.#flags &= ~flags;
  }

  /** Reads a word of all that an event of this client needs; see `Connections.expect`. */
  peek(): number {
    return this.lease.generation ^ (this.input.isUnread ? 1 : 0) ^ (this.output.isClear ? 1 : 0);
  }

  get takesInput(): boolean {
    return !this.is(TAKES_NO_INPUT);
  }

  get unsent(): number {
    // The end of the stream, which the kernel counts, is no byte.
    return Math.max(0, this.#context.sys.unsent(this.fd) - (this.is(LINGERING | OUTPUT_ENDED) ? 1 : 0));
  }
}
