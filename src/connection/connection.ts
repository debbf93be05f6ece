/** One client on its thread: what it sends is read and served, replies are sent, and it ends. */
import { HeddleError } from '../errors.ts';
import { BAD, type FrameStatus, INCOMPLETE, MESSAGE } from '../framing/frame.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { type Luggage, NEW, PROXIED, type Ticket } from '../sharing/connection-table.ts';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, SHUT_WR } from '../sys/constants.ts';
import { EAGAIN, errnoName } from '../sys/errno.ts';
import type { Client, ClientTls } from './client.ts';
import type { Host } from './host.ts';
import type { Kept } from './kept.ts';
import type { Output } from './output.ts';
import { SlotHolder } from './slot-holder.ts';
import { stampBegun, stampComplete, stampFlowing, stampSeen, stampStuck } from './stamps.ts';

/*
 * The way of the data: recv → decode → service → frame → send, in one call without a copy to keep, for a message that
 * is whole and a service that answers at once. What does not fit that way is kept in the inbox (bytes without a whole
 * message, or that the service is not ready for) or the outbox (bytes that the kernel did not take).
 */

/** Reads in a row from one client, before others get their turn. */
const READS = 16;

/** A client that sends without end is drained of this many times `READS` reads: some 64 MB. */
const DRAIN_ROUNDS = 64;

/** What epoll watches for at every client. */
const CHANGES = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

const ignore = (): void => {};

export abstract class Connection extends SlotHolder implements Client<unknown, unknown> {
  readonly remotePort: number;
  readonly tls: ClientTls | undefined;
  #interest: number;
  #flushing = false;
  #lingering = false;
  #ending: CloseReason | undefined = undefined;
  #detail: string | undefined = undefined;
  #draining = false;
  #closedError: HeddleError | undefined = undefined;

  constructor(host: Host, fd: number, ticket: Ticket, flags: number, arrived?: Kept) {
    super(host, fd, ticket, flags, arrived);
    this.remotePort = host.table.port(fd);
    this.tls = host.tlsOf(fd);
    this.#interest = interestAtRest(flags, host.table.outbox(fd));
  }

  /** Hands the service all whole messages of `bytes[from, to)` that it wants now; returns where the rest begins. */
  protected abstract deliver(bytes: Buffer, from: number, to: number): number;
  /** Whether the service is ready for another message. */
  protected abstract get wantsInput(): boolean;
  /** Whether the service is still at work for this client. */
  protected abstract get isServing(): boolean;
  /** Greets a client that is new to the server. */
  abstract opened(): void;
  /** Says that no message will follow, after the last one was delivered. */
  protected abstract inputEnded(): void;
  protected abstract wasClosed(reason: CloseReason): void;

  receive(): Promise<unknown> {
    return Promise.reject(
      new Error('receive is for services with a session function; message gets its messages itself'),
    );
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return { next: () => this.receive() as Promise<never> };
  }

  send(message: unknown): Promise<void> {
    if (!this.#canSend()) return this.#refuse();
    this.#flushSoon(); // First: it gives up the slot, and what is no message throws.
    return this.sendLater(message);
  }

  close(): void {
    if (!this.#canSend()) return;
    this.finish('server-finished');
    this.#flushSoon();
  }

  /** Serves an event of epoll; `drains`: as `drain`, after that. The caller has the slot. */
  event(mask: number, drains: boolean): void {
    this.begin();
    if (mask & EPOLLOUT) this.#writable();
    if (mask & (EPOLLIN | EPOLLHUP | EPOLLERR)) this.#readable(mask);
    if (drains) this.#drain();
    if (this.#ending !== undefined || this.#flushing) this.flush();
    this.settle();
  }

  /** Serves what was read before this was made; `drains`: as `drain`, after that. The caller has the slot. */
  arrived(drains: boolean): void {
    this.begin();
    this.mayBeReadable();
    this.#goOn();
    if (drains) this.#drain();
    if (this.#ending !== undefined || this.#flushing) this.flush();
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
    if (this.isClosed || this.#ending !== undefined) return;
    this.#ending = reason;
    this.#detail = detail;
    this.dropInput();
    stampComplete(this.host, this.fd);
  }

  /** Closes at once for `reason`, without sending anything more. The slot is this thread's. */
  end(reason: CloseReason, detail?: string): void {
    if (this.isClosed) return;
    const { host, fd, ticket } = this;
    this.isClosed = true;
    host.table.closing(fd, ticket);
    host.row.countClose(reason);
    host.closed(this, reason, detail);
    this.wasClosed(reason);
    this.begin();
    this.dropInput();
    this.dropOutput(this.closedError(reason));
    this.free();
  }

  /** Sends what was put off; called when the callbacks that sent it are done. */
  flushNow(): void {
    this.#flushing = false;
    // At rest, it was flushed with the turn that sent it, and may be another thread's by now.
    if (this.isClosed || this.isAtRest) return;
    if (this.isHeld && this.allSent && this.#ending === undefined) return;
    this.begin();
    this.flush();
    this.settle();
  }

  /** Gives the service what it did not want before and sends what came of it. The connection is held. */
  protected resume(): void {
    if (this.isClosed) return;
    this.begin();
    this.#goOn();
    this.settle();
  }

  #goOn(): void {
    if (this.takesInput && this.reopen()) this.#deliver();
    if (this.ended && this.takesInput) this.#takeLast();
    else if (this.#draining) this.#takeArrived();
    else this.#serve();
    if (!this.isServing || this.takesInput) return this.flush();
    this.stashReplies(); // More is to come: it goes out together when the callbacks are done.
    if (!this.allSent) this.#flushSoon();
  }

  /** Whether the service may be given another message now. */
  protected get takesInput(): boolean {
    return this.wantsInput && !this.isBlocked && this.#ending === undefined && !this.isClosed;
  }

  /** Says that what the client sent is no message, as the decoder found. */
  protected refuseFrame(status: FrameStatus): void {
    const { problem } = this.host.frame;
    this.finish(status === BAD ? 'bad-frame' : 'message-too-long', problem);
  }

  /** Reports what the service threw, and closes its client. */
  protected serviceFailed(error: unknown): void {
    if (error !== undefined && error === this.#closedError) return;
    this.host.serviceFailed(this, error);
    this.finish('service-error');
  }

  /** Sends all that waits, and goes on to close if that was the last. */
  protected flush(): void {
    if (this.isClosed) return;
    const result = this.sendAll();
    if (result < 0) this.broken(result);
    else if (this.#ending !== undefined && this.allSent && !this.isClosed) this.#shutDown();
  }

  /** Gives the connection up until its next event: at rest if nothing is kept for it. */
  protected settle(): void {
    if (this.isClosed) return;
    const { host, fd } = this;
    stampSeen(host, fd);
    const interest = interestFor(this.isBlocked);
    if (interest !== this.#interest || (this.hasUnread && this.#reads())) this.#watch(interest);
    if (!this.#isOverLimit()) this.leave(this.isServing || this.#ending !== undefined || this.#draining);
  }

  /** Has the socket watched anew: what it is ready for now is reported, whether it was before or not. */
  #watch(interest: number): void {
    const { fd, host } = this;
    if ((interest ^ this.#interest) & EPOLLOUT) {
      if (this.isBlocked) stampStuck(host, fd);
      else stampFlowing(host, fd);
    }
    this.#interest = interest;
    host.poller.modify(fd, interest, fd, this.ticket);
  }

  /** Closes a client for which more waits than may. True: it was closed. */
  #isOverLimit(): boolean {
    if (!this.isBlocked || (this.output?.length ?? 0) <= this.host.maxUnsent) return this.isClosed;
    this.#cutOff('over-limit', `more than ${this.host.maxUnsent} bytes wait for it (maxUnsent)`);
    return true;
  }

  /** Closes a client that has let a deadline pass; the first reason counts, but that it does not read. */
  endOverdue(reason: CloseReason): void {
    if (reason === 'send-timeout')
      this.#cutOff(reason, `${this.output?.length ?? 0} bytes wait for it that it does not read`);
    else this.end(this.#ending ?? reason, this.#detail);
  }

  /** Closes a client that does not read: what waits for it in the kernel is dropped, it is memory that others need. */
  #cutOff(reason: CloseReason, detail: string): void {
    if (!this.isClosed) this.host.sys.discardOnClose(this.fd);
    this.end(reason, detail);
  }

  /** The error that calls on this connection end with; one object, so that it is known when the service lets it through. */
  protected closedError(reason: CloseReason): HeddleError {
    this.#closedError ??= new HeddleError('HEDDLE_CLOSED', `the client is gone: ${reason}`);
    return this.#closedError;
  }

  #canRead(): boolean {
    return !this.ended && this.takesInput;
  }

  /** Whether what there is to read may be read now. */
  #reads(): boolean {
    return this.#lingering || this.#canRead();
  }

  /** Takes the slot, if this is called from outside of an event. */
  #canSend(): boolean {
    return this.#ending === undefined && this.take();
  }

  #refuse(): Promise<void> {
    const reason = this.#ending ?? 'it was closed or has moved to another thread';
    const refused = Promise.reject(
      this.#closedError ?? new HeddleError('HEDDLE_CLOSED', `the client is gone: ${reason}`),
    );
    refused.catch(ignore); // A service may send without awaiting: then nobody is to learn of it, least of all the thread.
    return refused;
  }

  #readable(mask: number): void {
    if (this.isClosed) return;
    this.noteReadable(mask);
    if (this.#lingering) this.#discard();
    else if (this.#canRead()) this.#serve();
    else if (mask & (EPOLLHUP | EPOLLERR)) this.end('client-reset');
  }

  /** Reads and serves what there is to read, as far as that may be now, or until others have to get their turn. */
  #serve(): void {
    for (let reads = 0; reads < READS && this.hasUnread && this.#canRead(); reads++) {
      const received = this.read();
      if (received > 0) {
        this.#deliver();
        this.flush();
      } else if (received !== EAGAIN) return this.#inputOver(received);
    }
  }

  /** Gives the service what the reader has, as far as it wants it. */
  #deliver(): void {
    const { reader } = this.host;
    const { from } = reader;
    const rest = this.deliver(reader.bytes, from, reader.to);
    if (this.#ending !== undefined || this.isClosed) this.dropInput();
    else this.keep(rest);
    if (this.isClosed) return;
    if (this.inbox !== undefined && this.takesInput) stampBegun(this.host, this.fd, rest > from);
    else stampComplete(this.host, this.fd);
  }

  #inputOver(received: number): void {
    if (received < 0) return this.end('client-reset', errnoName(received));
    this.ended = true;
    this.#takeLast();
    this.flush();
  }

  #drain(): void {
    this.#draining = true;
    this.mayBeReadable();
    this.#takeArrived();
  }

  /** Takes what has arrived; when the service has answered all of it, the connection is over. */
  #takeArrived(): void {
    for (let round = 0; round < DRAIN_ROUNDS && this.hasUnread && this.#canRead(); round++) this.#serve();
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
    if (this.#ending !== undefined) return;
    const { framing, frame, reader } = this.host;
    const status = this.reopen() ? framing.finish(reader.bytes, reader.from, reader.to, frame) : INCOMPLETE;
    if (status === MESSAGE) this.deliverLast(reader.bytes);
    if (this.isClosed) return;
    this.dropInput();
    stampComplete(this.host, this.fd);
    if (status !== INCOMPLETE && status !== MESSAGE) return this.refuseFrame(status);
    this.inputEnded();
  }

  /** Hands the service the message that `framing.finish` found. */
  protected abstract deliverLast(bytes: Buffer): void;

  #writable(): void {
    if (this.isClosed || !this.isBlocked) return;
    (this.output as Output).blocked = false;
    this.flush();
    if (this.isClosed) return;
    if (this.isBlocked)
      stampStuck(this.host, this.fd); // It has read something.
    else this.#goOn();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.host.flushSoon(this);
  }

  protected broken(result: number): void {
    this.end(this.#ending ?? (this.ended ? 'client-finished' : 'client-reset'), errnoName(result));
  }

  /**
   * All is sent: says so to the client, and waits for it to say the same. Closing at once would answer bytes that are
   * still on their way with a reset, which can overtake the last reply (RFC 9112, section 9.6, tells the same of HTTP).
   */
  #shutDown(): void {
    if (this.#lingering) return;
    if (this.ended) return this.end(this.#ending as CloseReason, this.#detail);
    this.host.sys.shutdown(this.fd, SHUT_WR);
    this.#lingering = true;
    this.host.closeSoon(this);
    if (this.hasUnread) this.#discard();
  }

  #discard(): void {
    const { sys, input } = this.host;
    for (let reads = 0; reads < READS; reads++) {
      const received = sys.recv(this.fd, input, 0, input.size);
      if (received === EAGAIN) return this.allRead();
      if (received <= 0) return this.endLinger();
    }
  }

  /** Closes a connection that waits for its client's end. */
  endLinger(): void {
    this.end(this.#ending ?? 'server-finished', this.#detail);
  }
}

/** What epoll watches for a connection at rest. Used by the mover as well, which cannot ask the thread that left it. */
export function interestAtRest(flags: number, outbox: Luggage | undefined): number {
  return interestFor(outbox !== undefined || (flags & (NEW | PROXIED)) === NEW);
}

function interestFor(writes: boolean): number {
  return writes ? CHANGES | EPOLLOUT : CHANGES;
}
