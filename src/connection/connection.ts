/** One client on its thread: bytes in, bytes out, what is kept between turns, and how it ends. */
import { HeddleError } from '../errors.ts';
import { BAD, type FrameStatus, INCOMPLETE, MESSAGE } from '../framing/frame.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { NEW, type Ticket } from '../sharing/connection-table.ts';
import { BUSY, HELD, REST } from '../sharing/control-word.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, SHUT_WR } from '../sys/constants.ts';
import { EAGAIN, errnoName } from '../sys/errno.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Client } from './client.ts';
import type { Host } from './host.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { checkReply, frameReply } from './reply-buffer.ts';

/*
 * The way of the data: recv → decode → service → frame → send, in one call without a copy to keep, for a message that
 * is whole and a service that answers at once. What does not fit that way is kept in the inbox (bytes without a whole
 * message, or that the service is not ready for) or the outbox (bytes that the kernel did not take), and the
 * connection is HELD until both are empty.
 *
 * Reading is paused lazily: a handler that is still running when the client's next bytes arrive costs an epoll_ctl, one
 * that is done by then costs none.
 */

/** Reads in a row from one client, before others get their turn. */
const READS = 16;

/** A client that sends without end is drained of this many times `READS` reads: some 64 MB. */
const DRAIN_ROUNDS = 64;

/** From here on, `send` asks its caller to wait. */
const HIGH_WATER = 64 * 1024;

const DONE = Promise.resolve();
const ignore = (): void => {};

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: HeddleError) => void;
}

export abstract class Connection implements Client<unknown, unknown> {
  readonly id: number;
  readonly fd: number;
  readonly ticket: Ticket;
  protected readonly host: Host;
  protected inbox: Inbox | undefined = undefined;
  /** The client has shut down its side: nothing more will come. */
  protected ended = false;
  /** Nothing may be done with this connection any more; its fd may be another's. */
  protected isClosed = false;
  /** How many bytes of the inbox the decoder has looked at in vain. */
  protected scanned = 0;
  #outbox: Outbox | undefined = undefined;
  /** This thread's own copy of what the table says. */
  #state: typeof REST | typeof BUSY | typeof HELD = BUSY;
  #interest: number;
  #paused = false;
  #blocked = false;
  #flushing = false;
  #lingering = false;
  #ending: CloseReason | undefined = undefined;
  #detail: string | undefined = undefined;
  #drained: Waiting[] | undefined = undefined;
  #draining = false;
  #address: string | undefined = undefined;
  #port: number | undefined = undefined;
  #closedError: HeddleError | undefined = undefined;

  /** Takes over a connection that this thread has just taken: its slot is BUSY. */
  constructor(host: Host, fd: number, ticket: Ticket, flags: number) {
    this.host = host;
    this.fd = fd;
    this.ticket = ticket;
    this.id = host.table.id(fd);
    this.#interest = flags & NEW ? EPOLLIN | EPOLLOUT : EPOLLIN;
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

  get remoteAddress(): string {
    this.#address ??= this.host.sys.addressText(this.host.table.address(this.fd));
    return this.#address;
  }

  get remotePort(): number {
    this.#port ??= this.host.table.port(this.fd);
    return this.#port;
  }

  receive(): Promise<unknown> {
    return Promise.reject(new Error('receive is for services with a session function; message gets its messages itself'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    for (let message = await this.receive(); message !== undefined; message = await this.receive()) yield message;
  }

  send(message: unknown): Promise<void> {
    if (!this.#canSend()) return this.#refuse();
    const { framing, replies, service } = this.host;
    if (replies.owner === this && replies.length > 0) this.#push(replies.takeRest(0));
    this.#push(frameReply(framing, checkReply(framing, message), service.borrow === true));
    this.#flushSoon();
    return (this.#outbox as Outbox).length < HIGH_WATER ? DONE : this.#whenDrained();
  }

  close(): void {
    if (this.isClosed || !this.#canSend()) return;
    this.finish('server-finished');
    this.#flushSoon();
  }

  /** Serves an event of epoll. The caller has the slot. */
  event(mask: number): void {
    if (this.#state === REST) this.#state = BUSY;
    if (mask & EPOLLOUT) this.#writable();
    if (mask & (EPOLLIN | EPOLLHUP | EPOLLERR)) this.#readable(mask);
    this.settle();
  }

  /** Answers what has arrived, then closes with reason `shutdown`. The caller has the slot. */
  drain(): void {
    if (this.#state === REST) this.#state = BUSY;
    this.#draining = true;
    this.#drain();
    this.settle();
  }

  /** Sends what is still to be sent, then closes for `reason`. The first reason counts. */
  finish(reason: CloseReason, detail?: string): void {
    if (this.isClosed || this.#ending !== undefined) return;
    this.#ending = reason;
    this.#detail = detail;
    this.inbox = undefined;
  }

  /** Closes at once for `reason`, without sending anything more. */
  end(reason: CloseReason, detail?: string): void {
    if (this.isClosed) return;
    const { host, fd, ticket } = this;
    this.isClosed = true;
    host.table.closing(fd, ticket);
    this.#remember();
    host.closed(this, reason, detail);
    this.wasClosed(reason);
    this.#settleWaiting(this.closedError(reason));
    this.inbox = undefined;
    this.#outbox = undefined;
    host.row.countClose(reason);
    host.row.addClients(-1);
    host.table.free(fd, ticket);
    host.sys.close(fd);
  }

  /** Sends what was put off; called when the callbacks that sent it are done. */
  flushNow(): void {
    this.#flushing = false;
    if (this.isClosed) return;
    this.flush();
    this.settle();
  }

  /** Gives the service what it did not want before and sends what came of it. The connection is held. */
  protected resume(): void {
    if (this.isClosed) return;
    this.host.time = performance.now();
    const { inbox } = this;
    if (inbox !== undefined && this.takesInput) {
      const from = this.deliver(inbox.bytes, inbox.start, inbox.end);
      if (from === inbox.end || this.#ending !== undefined) this.inbox = undefined;
      else inbox.start = from;
    }
    if (this.takesInput) {
      this.#paused = false;
      if (this.ended) this.#takeLast();
      else if (this.#draining) this.#drain();
    }
    if (this.isServing && this.#outbox !== undefined) this.#flushSoon();
    else this.flush();
    this.settle();
  }

  /** Whether the service may be given another message now. */
  protected get takesInput(): boolean {
    return this.wantsInput && !this.#blocked && this.#ending === undefined && !this.isClosed;
  }

  /** Appends a reply to the replies of this read. */
  protected reply(reply: unknown): void {
    const { framing, replies, service } = this.host;
    replies.owner = this;
    const checked = checkReply(framing, reply);
    if (this.#outbox === undefined && replies.append(framing, checked)) return;
    this.#sendReplies();
    if (this.#outbox === undefined && replies.append(framing, checked)) return;
    this.#push(frameReply(framing, checked, service.borrow === true));
    this.#flushOutbox();
  }

  /** Keeps a reply for the next flush. */
  protected replyLater(reply: unknown): void {
    const { framing } = this.host;
    this.#push(frameReply(framing, checkReply(framing, reply), false));
  }

  /** Says that what the client sent is no message, as the decoder found. */
  protected refuseFrame(status: FrameStatus): void {
    const { problem } = this.host.frame;
    this.finish(status === BAD ? 'bad-frame' : 'message-too-long', problem);
  }

  /** Reports what the service threw, and closes its client. */
  protected serviceFailed(error: unknown): void {
    if (error === this.#closedError) return;
    this.host.serviceFailed(this, error);
    this.finish('service-error');
  }

  /** Sends all that waits, and goes on to close if that was the last. */
  protected flush(): void {
    this.#sendReplies();
    if (!this.isClosed && !this.#blocked && this.#outbox !== undefined) this.#flushOutbox();
    if (this.#ending !== undefined && this.#outbox === undefined && !this.isClosed) this.#shutDown();
  }

  /** Gives the connection up until its next event: at rest if nothing is kept for it. */
  protected settle(): void {
    if (this.isClosed) return;
    const interest = this.#wanted();
    if (interest !== this.#interest) {
      this.#interest = interest;
      this.host.poller.modify(this.fd, interest, this.fd, this.ticket);
    }
    const keeps = this.inbox !== undefined || this.#outbox !== undefined || this.ended || this.isServing;
    if (keeps || this.#ending !== undefined) {
      if (this.#state !== HELD) this.host.table.hold(this.fd, this.ticket);
      this.#state = HELD;
    } else {
      this.#state = REST;
      this.host.table.rest(this.fd, this.ticket);
    }
  }

  /** The error that calls on this connection end with; one object, so that it is known when the service lets it through. */
  protected closedError(reason: CloseReason): HeddleError {
    this.#closedError ??= new HeddleError('HEDDLE_CLOSED', `the client is gone: ${reason}`);
    return this.#closedError;
  }

  #wanted(): number {
    const input = this.#lingering || (!this.#paused && !this.ended && this.#ending === undefined);
    return (input ? EPOLLIN : 0) | (this.#blocked ? EPOLLOUT : 0);
  }

  get #canRead(): boolean {
    return !this.ended && this.takesInput;
  }

  #canSend(): boolean {
    if (this.isClosed || this.#ending !== undefined) return false;
    if (this.#state !== REST) return true;
    if (!this.host.table.take(this.fd, this.ticket)) return false;
    this.#state = BUSY;
    return true;
  }

  #refuse(): Promise<void> {
    const reason = this.#ending ?? 'it was closed or has moved to another thread';
    const refused = Promise.reject(this.#closedError ?? new HeddleError('HEDDLE_CLOSED', `the client is gone: ${reason}`));
    refused.catch(ignore); // A service may send without awaiting: then nobody is to learn of it, least of all the thread.
    return refused;
  }

  #whenDrained(): Promise<void> {
    const waiting = new Promise<void>((resolve, reject) => {
      this.#drained ??= [];
      this.#drained.push({ resolve, reject });
    });
    waiting.catch(ignore);
    return waiting;
  }

  #settleWaiting(error?: HeddleError): void {
    const waiting = this.#drained;
    this.#drained = undefined;
    for (const { resolve, reject } of waiting ?? []) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }

  #readable(mask: number): void {
    if (this.isClosed) return;
    if (this.#lingering) this.#discard();
    else if (this.#canRead) {
      this.#paused = false;
      this.#read();
    } else if (mask & (EPOLLHUP | EPOLLERR)) this.end('client-reset');
    else this.#paused = true;
  }

  /** Reads and serves; true: there may be more to read. */
  #read(): boolean {
    const { sys, input, row } = this.host;
    for (let reads = 0; reads < READS; reads++) {
      const memory = this.inbox === undefined ? input : this.inbox.open(sys, input);
      const kept = this.inbox === undefined ? 0 : this.inbox.length;
      const room = memory.size - kept;
      const received = sys.recv(this.fd, memory, kept, room);
      if (received <= 0) {
        if (received !== EAGAIN) this.#inputOver(received);
        return false;
      }
      row.countReceived(received);
      this.#take(memory, kept + received);
      this.flush();
      if (received < room || !this.#canRead) return false;
    }
    return true;
  }

  #take(memory: NativeBuffer, length: number): void {
    const from = this.deliver(memory.bytes, 0, length);
    if (from === length || this.#ending !== undefined) this.inbox = undefined;
    else if (this.inbox === undefined) {
      this.inbox = Inbox.keep(this.host.sys, memory.bytes, from, length, this.host.input.size);
    } else this.inbox.update(memory, from, length);
  }

  #inputOver(received: number): void {
    if (received < 0) return this.end('client-reset', errnoName(received));
    this.ended = true;
    this.#takeLast();
    this.flush();
  }

  /** Takes what has arrived; when the service has answered all of it, the connection is over. */
  #drain(): void {
    for (let round = 0; round < DRAIN_ROUNDS && this.#canRead && this.#read(); round++);
    if (!this.takesInput) return;
    this.drained();
    this.flush();
  }

  /** Ends a connection that is being drained, of which all that arrived was delivered. */
  protected drained(): void {
    this.finish('shutdown');
  }

  #remember(): void {
    void this.remoteAddress;
    void this.remotePort;
  }

  /** The client will send no more: what is left in the inbox is a last message, or an error. */
  #takeLast(): void {
    if (this.#ending !== undefined) return;
    const { framing, frame } = this.host;
    const { inbox } = this;
    this.inbox = undefined;
    const status = inbox === undefined ? INCOMPLETE : framing.finish(inbox.bytes, inbox.start, inbox.end, frame);
    if (status === MESSAGE && inbox !== undefined) this.deliverLast(inbox.bytes);
    else if (status !== INCOMPLETE) return this.refuseFrame(status);
    this.inputEnded();
  }

  /** Hands the service the message that `framing.finish` found. */
  protected abstract deliverLast(bytes: Buffer): void;

  #writable(): void {
    if (this.isClosed || !this.#blocked) return;
    this.#blocked = false;
    this.flush();
    if (!this.#blocked) this.resume();
  }

  #push(bytes: Uint8Array): void {
    this.#outbox ??= new Outbox();
    this.#outbox.push(bytes);
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.host.flushSoon(this);
  }

  /** Sends what is in the thread's reply buffer; what the kernel does not take goes to the outbox. */
  #sendReplies(): void {
    const { replies, sys, row } = this.host;
    const { length } = replies;
    if (length === 0) return;
    const sent = this.#outbox === undefined ? sys.send(this.fd, replies.memory, 0, length) : EAGAIN;
    if (sent === length) {
      replies.length = 0;
      row.countSent(sent);
      return;
    }
    const rest = replies.takeRest(Math.max(sent, 0));
    if (sent < 0 && sent !== EAGAIN) return this.#broken(sent);
    row.countSent(Math.max(sent, 0));
    this.#push(rest);
    this.#blocked = true;
  }

  #flushOutbox(): void {
    const outbox = this.#outbox as Outbox;
    const sent = outbox.flush(this.host.sys, this.fd, this.host.replies.memory);
    if (sent < 0) return this.#broken(sent);
    this.host.row.countSent(sent);
    this.#blocked = outbox.length > 0;
    if (!this.#blocked) this.#outbox = undefined;
    if (outbox.length < HIGH_WATER) this.#settleWaiting();
  }

  #broken(result: number): void {
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
  }

  #discard(): void {
    const { sys, input } = this.host;
    for (let reads = 0; reads < READS; reads++) {
      const received = sys.recv(this.fd, input, 0, input.size);
      if (received === EAGAIN) return;
      if (received <= 0) return this.endLinger();
    }
  }

  /** Closes a connection that waits for its client's end. */
  endLinger(): void {
    this.end(this.#ending ?? 'server-finished', this.#detail);
  }
}
