/** Serves one client on its thread: reads, calls the service, sends replies, and closes. */
import { HeddleError } from '../errors.ts';
import { BAD, type FrameStatus, INCOMPLETE, MESSAGE } from '../framing/frame.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { Deadlines } from '../sharing/deadlines.ts';
import type { Generation } from '../sharing/connection-table.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, SHUT_WR } from '../sys/constants.ts';
import { EAGAIN, EFAULT, errnoName } from '../sys/errno.ts';
import { ensureStack } from '../sys/stack-room.ts';
import type { Client, ClientTls } from './client.ts';
import {
  IDLE,
  BLOCKED,
  CALLED,
  CLOSED,
  DRAINING,
  END_NOTED,
  ENDED,
  FINISHING,
  FLUSHING,
  PINNED,
  LINGERING,
  NO_IDLE_TIMEOUT,
  SERVING,
  TAKES_NO_INPUT,
  UNREAD,
  WATCHED_FOR_ROOM,
  WORK_LEFT,
  YIELDING,
} from './flags.ts';
import type { ThreadContext } from './context.ts';
import { idleInterest, interestFor } from './interest.ts';
import type { SharedBuffer } from './saved-bytes.ts';
import { Linger, unreadText } from './linger.ts';
import { refused } from './output.ts';
import { Lease, messageStarted, messageDone, writeFlowing, stopIdling, noteActivity, writeStalled } from './lease.ts';

/*
 * The way of the data: recv → decode → service → frame → send, in one call without a copy to keep, for a message that
 * is whole and a service that answers at once. What does not fit that way is kept in the inbox (bytes without a whole
 * message, or that the service is not ready for) or the outbox (bytes that the kernel did not take).
 *
 * A service may call at any depth of its stack, so each of its calls first makes sure that there is enough of it: nothing of
 * this must stop half-way. What a call finds to be over ends when the callbacks are done, on an empty stack.
 */

/** Reads in a row from one client, before others get their turn. */
const READS = 16;

export abstract class Connection extends Lease implements Client<unknown, unknown> {
  readonly remotePort: number;
  readonly tls: ClientTls | undefined;
  /** Why it is `FINISHING` or `CLOSED`. */
  #ending: CloseReason | undefined = undefined;
  #detail: string | undefined = undefined;
  #closedError: HeddleError | undefined = undefined;
  /** Since it is `LINGERING`. */
  #linger: Linger | undefined = undefined;
  /** How many bytes the client had yet to take when its idle time was up. */
  #untaken = 0;
  /** How many of the bytes that had arrived when the drain began are still to be read. */
  #undrained = 0;

  constructor(context: ThreadContext, fd: number, generation: Generation, flags: number, arrived?: SharedBuffer) {
    super(context, fd, generation, flags, arrived);
    this.remotePort = context.table.port(fd);
    this.tls = context.tlsOf(fd);
    if (idleInterest(flags, context.table.outbox(fd)) & EPOLLOUT) this.set(WATCHED_FOR_ROOM);
  }

  /** Hands the service all whole messages of `bytes[from, to)` that it wants now; returns where the rest begins. */
  protected abstract deliver(bytes: Buffer, from: number, to: number): number;
  /** Greets a client that is new to the server. */
  abstract opened(): void;
  /** Says that no message will follow, after the last one was delivered. */
  protected abstract inputEnded(): void;
  protected abstract wasClosed(): void;

  abstract receive(): Promise<unknown>;
  abstract [Symbol.asyncIterator](): AsyncIterator<unknown, undefined>;

  send(message: unknown): Promise<void> {
    ensureStack();
    if (!this.#canSend()) return this.#refuse();
    this.flushSoon(); // First: it gives up the slot, and what is no message throws.
    return this.orRefused(this.sendLater(message));
  }

  close(): void {
    ensureStack();
    if (!this.#canSend()) return;
    this.finish('server-finished');
    this.flushSoon();
  }

  /** Serves an event of epoll; `drains`: as `drain`, after that. The caller has the slot. */
  event(mask: number, drains: boolean): void {
    this.begin();
    if (drains) this.#beginDrain();
    if (this.is(YIELDING | WORK_LEFT)) this.#takeWorkLeft();
    if (mask & EPOLLOUT) this.#writable();
    if (mask & (EPOLLIN | EPOLLHUP | EPOLLERR)) this.#readable(mask);
    if (drains) this.#drain();
    if (this.is(FINISHING | FLUSHING)) this.flush();
    this.settle();
  }

  /** Serves what was read before this was made; `drains`: as `drain`, after that. The caller has the slot. */
  arrived(drains: boolean): void {
    this.begin();
    if (drains) this.#beginDrain();
    this.mayBeReadable();
    this.#goOn();
    if (drains) this.#drain();
    if (this.is(FINISHING | FLUSHING)) this.flush();
    this.settle();
  }

  /** Answers what has arrived, then closes with reason `shutdown`. The caller has the slot. */
  drain(): void {
    this.begin();
    this.#drain();
    this.settle();
  }

  /** Sends what is still to be sent, then closes for `reason`. The first reason counts. */
  finish(reason: CloseReason, detail?: string): void {
    if (this.is(CLOSED | FINISHING)) return;
    this.set(FINISHING);
    this.#ending = reason;
    this.#detail = detail;
    this.dropInput();
    messageDone(this.context, this.fd);
  }

  /** Closes at once for `reason`, without sending anything more. The slot is this thread's. */
  end(reason: CloseReason, detail?: string): void {
    if (this.is(CLOSED)) return;
    this.#ending = reason;
    this.#detail = detail;
    this.set(CLOSED);
    if (!this.is(CALLED)) return this.#ended();
    this.set(END_NOTED);
    this.flushSoon();
  }

  #ended(): void {
    const { context, fd, generation } = this;
    const reason = this.#ending as CloseReason;
    this.unset(END_NOTED);
    context.table.closing(fd, generation);
    context.row.countClose(reason);
    context.closed(this, reason, this.#detail);
    this.wasClosed();
    this.begin();
    this.dropInput();
    this.dropOutput(() => this.closedError());
    this.noteKept();
    this.free();
  }

  /** Sends what was put off; called when the callbacks that sent it are done. */
  flushNow(): void {
    this.unset(FLUSHING);
    if (this.is(END_NOTED)) return this.#ended();
    // Idle, it was flushed with the turn that sent it, and may be another thread's by now.
    if (this.is(CLOSED | IDLE)) return;
    if (this.is(PINNED) && this.allSent && !this.is(FINISHING)) return;
    this.begin();
    this.flush();
    this.settle();
  }

  /** Gives the service what it did not want before and sends what came of it. The connection is pinned. */
  protected resume(): void {
    if (this.is(CLOSED)) return;
    this.begin();
    this.#goOn();
    this.settle();
  }

  /** Serves a client that could not go back to the waiting room: it has had its message, and others have had their turn. */
  goOn(): void {
    if (this.is(CLOSED | IDLE) || !this.is(YIELDING)) return;
    this.begin();
    this.#takeWorkLeft();
    this.settle();
  }

  /** Serves what was read and left: this is the client's turn. */
  #takeWorkLeft(): void {
    this.unset(YIELDING | WORK_LEFT);
    this.#goOn();
  }

  protected unwatched(): void {
    this.end('over-limit', 'the kernel has no room to watch it');
  }

  protected goesOnHere(): void {
    this.context.goOnSoon(this);
  }

  #goOn(): void {
    if (this.takesInput && this.reopen()) this.#deliver();
    if (this.is(ENDED) && this.takesInput) this.#takeLast();
    else if (this.is(DRAINING)) this.#takeArrived();
    else this.#serve();
    if (!this.is(SERVING) || this.takesInput) return this.flush();
    this.stashReplies(); // More is to come: it goes out together when the callbacks are done.
    if (!this.allSent) this.flushSoon();
  }

  /** Whether the service may be given another message now. */
  protected get takesInput(): boolean {
    return !this.is(TAKES_NO_INPUT);
  }

  /** Says that what the client sent is no message, as the decoder found. */
  protected refuseFrame(status: FrameStatus): void {
    const { problem } = this.context.frame;
    this.finish(status === BAD ? 'bad-frame' : 'message-too-long', problem);
  }

  /** Reports what the service threw, and closes its client. */
  protected serviceFailed(error: unknown): void {
    if (error !== undefined && error === this.#closedError) return;
    this.context.serviceFailed(this, error);
    this.finish('service-error');
  }

  /** Sends all that waits, and goes on to close if that was the last. */
  protected flush(): void {
    if (this.is(CLOSED)) return;
    this.sendAll();
    if (this.is(FINISHING) && this.allSent && !this.is(CLOSED)) this.#shutDown();
  }

  /** Gives the connection up until its next event: idle if nothing is kept for it. */
  protected settle(): void {
    if (this.is(CLOSED)) return;
    noteActivity(this.context, this.fd);
    if (this.keepsNothing()) this.becomeIdle();
    else this.#settleMore();
  }

  #settleMore(): void {
    if (this.is(NO_IDLE_TIMEOUT) || (this.is(YIELDING | WORK_LEFT) && this.inbox !== undefined))
      stopIdling(this.context, this.fd);
    if (this.is(BLOCKED | WATCHED_FOR_ROOM | UNREAD)) {
      this.#watch();
      if (this.#isOverLimit()) return;
    }
    if (this.kept > 0 && this.context.isSurplus(this.kept)) return this.#endSurplus();
    this.leave(this.is(SERVING | FINISHING | DRAINING));
  }

  /** Has the socket watched anew if it has to be: what it is ready for now is reported, whether it was before or not. */
  #watch(): void {
    const { fd, context } = this;
    const isBlocked = this.is(BLOCKED);
    if (isBlocked !== this.is(WATCHED_FOR_ROOM)) {
      if (isBlocked) {
        this.set(WATCHED_FOR_ROOM);
        writeStalled(context, fd);
      } else {
        this.unset(WATCHED_FOR_ROOM);
        writeFlowing(context, fd);
      }
    } else if (!this.is(UNREAD) || !this.#reads()) return;
    context.poller.modify(fd, interestFor(isBlocked), fd, this.generation);
  }

  /** Closes a client for which more waits than may. True: it was closed. */
  #isOverLimit(): boolean {
    if (!this.is(BLOCKED) || (this.output?.piledUp ?? 0) <= this.context.maxUnsent) return false;
    this.#cutOff('over-limit', `more than ${this.context.maxUnsent} bytes wait for it (maxUnsent)`);
    return true;
  }

  /**
   * Closes a client that has let a deadline pass at `now`, a `sharedTime`. It has not if the kernel says so, which this thread was late
   * to ask. The caller has the slot.
   */
  checkDeadlines(deadlines: Deadlines, now: number, drains: boolean): void {
    const { fd, context } = this;
    this.begin();
    if (this.is(BLOCKED)) this.#writable();
    if (!this.is(CLOSED) && context.sys.unread(fd) > 0) {
      noteActivity(context, fd);
      this.#readable(EPOLLIN);
    }
    if (this.is(CLOSED)) return;
    const reason = deadlines.expired(fd, now);
    if (reason !== undefined && !(reason === 'idle-timeout' && this.#hasTaken())) return this.#endLate(reason);
    if (drains) this.#drain();
    if (this.is(FINISHING | FLUSHING)) this.flush();
    this.settle();
  }

  /** Whether the client has taken something of what the kernel keeps for it since this was asked last. */
  #hasTaken(): boolean {
    const before = this.#untaken;
    this.#untaken = this.#unsent();
    return this.#untaken !== 0 && this.#untaken !== before;
  }

  /** Closes a client that is late; the first reason counts, but that it does not read. What it has yet to take of its replies it gets. */
  #endLate(reason: CloseReason): void {
    if (reason === 'over-limit') return this.#endSurplus();
    if (reason === 'send-timeout') return this.#cutOff(reason, unreadText(this.output?.length ?? 0));
    if (this.#unsent() === 0) return this.end(this.#ending ?? reason, this.#detail);
    this.finish(reason);
    this.flush();
    this.settle();
  }

  /** How many bytes the kernel keeps for the client, which has yet to take them; the end of the stream is none. */
  #unsent(): number {
    return Math.max(0, this.context.sys.unsent(this.fd) - (this.is(LINGERING) ? 1 : 0));
  }

  /** Closes a client for which most is kept, while more is kept for all than may be. */
  #endSurplus(): void {
    this.#cutOff('over-limit', `${this.kept} bytes are kept for it, and for all clients more than may be (maxMemory)`);
  }

  /** Closes a client that does not read: what waits for it in the kernel is dropped, it is memory that others need. */
  #cutOff(reason: CloseReason, detail: string): void {
    if (!this.is(CLOSED)) this.context.sys.discardOnClose(this.fd);
    this.end(reason, detail);
  }

  /**
   * The error that calls on this connection end with; one object, so that it is known when the service lets it through. Made only
   * for a call: its stack costs several microseconds.
   */
  protected closedError(): HeddleError {
    this.#closedError ??= new HeddleError('HEDDLE_CLOSED', `the client is gone: ${this.#ending ?? 'client-reset'}`);
    return this.#closedError;
  }

  #canRead(): boolean {
    return !this.is(TAKES_NO_INPUT | ENDED);
  }

  /** Whether what there is to read may be read now. */
  #reads(): boolean {
    return this.is(LINGERING) || this.#canRead();
  }

  /** What `send` gives: `sent`, unless the message was refused. */
  protected orRefused(sent: Promise<void>): Promise<void> {
    return this.is(FINISHING) ? refused(this.closedError()) : sent;
  }

  /** Takes the slot, if this is called from outside of an event. */
  #canSend(): boolean {
    return !this.is(FINISHING) && this.take();
  }

  #refuse(): Promise<void> {
    if (this.is(CLOSED)) return refused(this.closedError());
    const reason = this.#ending ?? 'it was closed or has moved to another thread';
    return refused(new HeddleError('HEDDLE_CLOSED', `the client is gone: ${reason}`));
  }

  #readable(mask: number): void {
    if (this.is(CLOSED)) return;
    this.noteReadable(mask);
    if (this.#canRead()) this.#serve();
    else if (this.is(LINGERING)) this.#discard();
    else if (mask & (EPOLLHUP | EPOLLERR)) this.end('client-reset');
  }

  /** Reads and serves what there is to read, as far as that may be now, or until others have to get their turn. */
  #serve(): void {
    for (let reads = 0; reads < READS && this.is(UNREAD) && this.#canRead(); reads++) {
      const received = this.read();
      if (received > 0) {
        this.#deliver();
        this.flush();
        if (this.is(DRAINING) && (this.#undrained -= received) <= 0) return;
      } else if (received !== EAGAIN) return this.#inputOver(received);
    }
  }

  /** Gives the service what the reader has, as far as it wants it. */
  #deliver(): void {
    const { reader } = this.context;
    const { from } = reader;
    const rest = this.deliver(reader.bytes, from, reader.to);
    if (rest === reader.to && this.inbox === undefined) return; // All of it was taken, and nothing had to be kept before.
    if (this.is(FINISHING | CLOSED)) this.dropInput();
    else this.keep(rest);
    if (this.is(CLOSED)) return;
    if (this.inbox !== undefined && this.takesInput) messageStarted(this.context, this.fd, rest > from);
    else messageDone(this.context, this.fd);
  }

  #inputOver(received: number): void {
    if (received < 0) return this.end('client-reset', errnoName(received));
    this.set(ENDED);
    this.#takeLast();
    this.flush();
  }

  /** What arrives from now on is not answered: a client that says more with each reply would never be done. */
  #beginDrain(): void {
    this.mayBeReadable();
    if (this.is(DRAINING | CLOSED)) return;
    this.set(DRAINING);
    this.#undrained = this.context.sys.unread(this.fd);
  }

  #drain(): void {
    this.#beginDrain();
    if (this.is(YIELDING | WORK_LEFT)) this.#takeWorkLeft();
    else this.#takeArrived();
  }

  /** Takes what has arrived; when the service has answered all of it, the connection is over. */
  #takeArrived(): void {
    while (this.is(UNREAD) && this.#canRead() && (this.#undrained > 0 || this.context.sys.unread(this.fd) === 0))
      this.#serve();
    if (!this.takesInput) return;
    this.drained();
    this.flush();
  }

  /** Ends a connection that is being drained, of which all that arrived was delivered. */
  protected drained(): void {
    this.finish('shutdown');
  }

  /** The client will send no more: what is left in the inbox is a last message, or an error. */
  #takeLast(): void {
    if (this.is(FINISHING)) return;
    const { framing, frame, reader } = this.context;
    const status = this.reopen() ? framing.finish(reader.bytes, reader.from, reader.to, frame) : INCOMPLETE;
    const isCut = status === MESSAGE && framing.endCompletes && this.context.isCutShort(this.fd);
    if (status === MESSAGE && !isCut) this.deliverLast(reader.bytes);
    if (this.is(CLOSED)) return;
    this.dropInput();
    messageDone(this.context, this.fd);
    if (isCut) return this.finish('tls-error', 'it ended without close_notify: its last message may be a part of one');
    if (status !== INCOMPLETE && status !== MESSAGE) return this.refuseFrame(status);
    this.inputEnded();
  }

  /** Hands the service the message that `framing.finish` found. */
  protected abstract deliverLast(bytes: Buffer): void;

  #writable(): void {
    if (this.is(CLOSED) || !this.is(BLOCKED)) return;
    const before = this.output?.length ?? 0;
    this.unset(BLOCKED);
    this.flush();
    if (this.is(CLOSED)) return;
    if ((this.output?.length ?? 0) < before) writeStalled(this.context, this.fd); // It has read something.
    if (!this.is(BLOCKED)) this.#goOn();
  }

  /** Has `flushNow` called when the running callbacks are done. */
  protected flushSoon(): void {
    if (this.is(FLUSHING)) return;
    this.set(FLUSHING);
    this.context.flushSoon(this);
  }

  protected broken(result: number): void {
    if (result === EFAULT) return this.#lostBytes();
    const why = this.#ending === undefined ? '' : `, while it was being closed for ${this.#ending}`;
    this.end('client-reset', `${errnoName(result)}${why}`); // What was to be sent is lost, whatever came before.
  }

  /** Bytes of the service that were to be sent are gone: half a message must not look like a whole one. */
  #lostBytes(): void {
    const text =
      'Bytes that were given to client.send were detached or shrunk before they were sent: await send before you transfer or resize their memory';
    this.context.serviceFailed(this, new HeddleError('HEDDLE_SERVICE_ERROR', text));
    this.#cutOff('service-error', 'bytes that were to be sent are gone');
  }

  protected refuseReply(length: number): void {
    this.finish('over-limit', `a reply of ${length} bytes is more than can be sent: send it in pieces`);
  }

  /** All is sent: says so to the client, and lingers until nothing of it can be lost any more (see `Linger`). */
  #shutDown(): void {
    if (this.is(LINGERING)) return;
    if (this.is(ENDED) && this.#unsent() === 0) return this.end(this.#ending as CloseReason, this.#detail);
    const result = this.context.sys.shutdown(this.fd, SHUT_WR);
    // ENOTCONN: the client has reset the connection. It takes nothing any more, and no event may be left that would tell of it.
    if (result < 0) return this.broken(result);
    this.set(LINGERING);
    this.#linger = new Linger(this.context.time, this.#unsent(), this.context.sendTimeout);
    this.context.lingers(this);
    if (this.is(UNREAD)) this.#discard();
  }

  /** Drops what the client goes on sending. */
  #discard(): void {
    const { sys, input, time } = this.context;
    for (let reads = 0; reads < READS; reads++) {
      const received = sys.recv(this.fd, input, 0, input.size);
      if (received <= 0) return this.#discarded(received);
      this.#linger?.heard(time);
    }
  }

  /** There is no more to drop: the last read gave `received`. */
  #discarded(received: number): void {
    this.allRead();
    if (received === EAGAIN) return;
    const unsent = this.#unsent(); // The kernel knows it after a reset as well.
    if (unsent === 0) return this.end(this.#ending as CloseReason, this.#detail);
    if (received < 0) this.end('client-reset', `${errnoName(received)}, ${unsent} bytes were not taken`);
    else this.set(ENDED);
  }

  /** Closes a lingering connection if nothing can be lost any more, or its client takes nothing; if not, this is called again. */
  checkLinger(): void {
    const linger = this.#linger;
    if (this.is(CLOSED) || linger === undefined) return;
    const state = linger.look(this.context.time, this.#unsent());
    if (state === 'stuck') this.#cutOff('send-timeout', unreadText(linger.unsent));
    else if (state === 'done' || (this.is(ENDED) && linger.unsent === 0))
      this.end(this.#ending as CloseReason, this.#detail);
    else this.context.lingers(this);
  }
}
