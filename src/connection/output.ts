/** Sends to one client: the replies of a read together, messages that a service sends on its own, and what did not fit. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import type { HeddleError } from '../errors.ts';
import type { SavedBytes } from '../sharing/connection-table.ts';
import { EAGAIN } from '../sys/errno.ts';
import type { NativeBuffer } from '../sys/structs/native-buffer.ts';
import { memoryOf } from '../sys/typed-array.ts';
import type { Framing } from '../framing/frame.ts';
import type { Codec } from './codec/codec.ts';
import { BLOCKED, CLOSED, NO_OUTPUT } from './flags.ts';
import { LentBytes, lendReply } from './bytes/lent-bytes.ts';
import { checkReply, frameReply, lengthOf, type ReplyBuffer } from './bytes/reply-buffer.ts';
import type { ReplyPages } from './bytes/reply-pages.ts';
import type { SharedBuffer } from './bytes/saved-bytes.ts';
import { outputEnded } from './end/ending.ts';
import { SendQueue, type SendQueueContext, SENT } from './bytes/send-queue.ts';

/** A message up to this long that waits alone is sent from the thread's buffer; others go out from where they lie. */
const COPY_LIMIT_BYTES = 16 * 1024;

/** A longer message is not copied before the kernel has taken what it takes of it: the copy would cost more than the calls do. */
const LEND_LIMIT_BYTES = 64 * 1024;

/** The kernel is told lengths as 32-bit integers. */
const MAX_SEND_BYTES = 2 ** 31 - 1;

/** What an output needs of its thread. */
export interface OutputContext extends SendQueueContext {
  /** Where the replies of one client are put together. Empty whenever no client is in the middle of a read. */
  readonly replies: ReplyBuffer;
  /** Where they are put together while they wait for the end of the callbacks. */
  readonly pages: ReplyPages;
  /** Where reads go: a message that lies there is gone with the next read. */
  readonly input: NativeBuffer;
  /** A service leaves its replies to Heddle: it does not change them afterwards. */
  readonly borrowsReplies: boolean;
}

/** What an output tells its connection, in the middle of the call that finds it. */
export interface OutputOwner {
  /** Whether any of `flags` is set: `CLOSED`, nothing may be sent any more; `BLOCKED` is the output's own. */
  is(flags: number): boolean;
  /** How replies are written, from now on. */
  readonly codec: Pick<Codec, 'framing'>;
  set(flags: number): void;
  unset(flags: number): void;
  /** Sending has failed with `errno`: the connection is over. */
  sendFailed(errno: number): void;
  /** The service has made a mistake. */
  serviceFailed(error: unknown): void;
  /** A reply of `length` bytes is more than can be sent. */
  replyTooLong(length: number): void;
}

export class Output {
  readonly #context: OutputContext;
  readonly #owner: OutputOwner;
  readonly #fd: number;
  /**
   * What waits for the end of the callbacks, newer than what is in the queue: one message, as most leave before there is another, or a
   * page of several. One field for both: it is looked at for each reply.
   */
  #fresh: Uint8Array | ReplyBuffer | undefined = undefined;
  /** How many bytes the client had yet to take when that was last asked. */
  #untaken = 0;
  /** What waits to be sent, except for what is fresh; `undefined`: nothing ever had to. */
  #queue: SendQueue | undefined;

  /** `unsent`: what was not sent when the client moved here. */
  constructor(context: OutputContext, owner: OutputOwner, fd: number, unsent: SharedBuffer | undefined) {
    this.#context = context;
    this.#owner = owner;
    this.#fd = fd;
    if (unsent !== undefined) owner.set(BLOCKED);
    this.#queue = unsent && new SendQueue(context, fd, unsent);
  }

  /** Whether the kernel takes no more for now: nothing is read from the client until it does. */
  get isBlocked(): boolean {
    return this.#owner.is(BLOCKED);
  }

  /** Whether nothing waits to be sent, except for the replies of this read. */
  get isSent(): boolean {
    return this.#fresh === undefined && (this.#queue === undefined || this.#queue.isEmpty);
  }

  /** Whether nothing was ever kept here, except for what is fresh: while that waits, the connection waits for a flush. */
  get isClear(): boolean {
    return this.#queue === undefined;
  }

  /** Whether a sender waits for room. */
  get isAwaited(): boolean {
    return this.#queue?.isAwaited === true;
  }

  /** How many bytes wait in the queue. */
  get length(): number {
    return this.#queue?.length ?? 0;
  }

  /** How many of them count against `maxUnsent`. */
  get piledUp(): number {
    return this.#queue?.piledUp ?? 0;
  }

  /** How much memory is taken by what waits. */
  get allocated(): number {
    return this.#queue?.allocated ?? 0;
  }

  /** How much of it is not in the arena. */
  get allocatedHere(): number {
    return this.#queue?.allocatedHere ?? 0;
  }

  /** Whether the client, which has yet to take `untaken` bytes of the kernel's, has taken some since this was asked last. */
  hasTaken(untaken: number): boolean {
    const before = this.#untaken;
    this.#untaken = untaken;
    return untaken !== 0 && untaken !== before;
  }

  /** Appends a reply to the replies of this read; from now on its memory is the service's again. */
  reply(reply: unknown): void {
    if (!this.#append(reply) && !this.#context.borrowsReplies) this.#queue?.own();
  }

  /** Appends bytes to the replies without a frame around them. */
  replyAsItIs(bytes: Uint8Array | string): void {
    this.stashReplies();
    this.#enqueue(Buffer.from(bytes as Uint8Array));
  }

  /** The same for a reply that lies in `[from, to)` of the read buffer, in its frame; false: use `reply`. */
  replyInPlace(from: number, to: number): boolean {
    const { replies } = this.#context;
    if (replies.owner !== this) replies.owner = this;
    return this.isSent && replies.appendInPlace(from, to);
  }

  /** Sends a message, as far as the kernel takes it; nothing else waits. Settles when little enough waits that more may be sent. */
  now(message: unknown): Promise<void> {
    this.#append(message);
    this.flush();
    return this.room();
  }

  /** Keeps a message for the next `flush`. Settles when little enough waits that more may be sent. */
  later(message: unknown): Promise<void> {
    const { framing } = this.#owner.codec;
    this.stashReplies();
    const checked = checkReply(framing, message);
    if (this.#collect(framing, checked)) return this.room();
    if (this.isBlocked || lengthOf(checked) > COPY_LIMIT_BYTES) return this.#enqueueReply(checked).room();
    if (this.#fresh !== undefined) this.#enqueue(); // It is full.
    this.#fresh = frameReply(framing, checked);
    return this.room();
  }

  /** Settles when little enough waits that more may be sent. */
  room(): Promise<void> {
    return this.#queue === undefined ? SENT : this.#queue.room();
  }

  /** Takes the replies of this read out of the thread's buffer: they are sent later. */
  stashReplies(): void {
    const { replies } = this.#context;
    if (replies.owner !== this || replies.length === 0) return;
    if (this.#owner.is(NO_OUTPUT)) return this.#refuse();
    if (replies.length > COPY_LIMIT_BYTES) this.#enqueue(replies.takeRest(0));
    else this.#fresh = replies.takeRest(0); // Nothing else waits: they would not be there.
  }

  /** Has all that waits sent, and nothing that comes later: the owner is about to be `NO_OUTPUT`. */
  close(): void {
    this.stashReplies();
    if (this.#fresh !== undefined) this.#enqueue();
  }

  /** Sends all there is to send, as far as the kernel takes it. */
  flush(): void {
    if (this.#fresh !== undefined) this.#sendFresh();
    this.#sendReplies(this.#context.replies);
    if (this.#queue !== undefined) this.#sendQueue(this.#queue);
  }

  /** Lets the next `flush` try again: the kernel has room. */
  unblock(): void {
    this.#owner.unset(BLOCKED);
  }

  /** Puts what waits where it moves with the client; `undefined`: nothing waits, or it cannot move. */
  spill(): SavedBytes | undefined {
    return this.isSent ? undefined : this.#enqueue().spill();
  }

  /** Drops what waits; the senders that wait for room get an `error`. */
  drop(error: () => HeddleError): void {
    const { replies } = this.#context;
    if (replies.owner === this) replies.clear();
    this.#dropFresh();
    this.#queue?.close(error);
  }

  /** Appends a message to the replies of this read; false: it did not fit, and what the kernel did not take of it may be lent. */
  #append(message: unknown): boolean {
    const { replies } = this.#context;
    const { framing } = this.#owner.codec;
    const checked = checkReply(framing, message);
    replies.owner = this;
    if (this.isSent ? replies.append(framing, checked) : this.#collect(framing, checked)) return true;
    this.#sendReplies(replies);
    if (this.#owner.is(CLOSED) || (this.isSent && replies.append(framing, checked))) return true;
    if (this.#owner.is(NO_OUTPUT)) {
      this.#refuse();
      return true;
    }
    this.#enqueueReply(checked);
    this.flush();
    return false;
  }

  /** Puts a message behind the fresh ones, if there are any; false: it does not fit. */
  #collect(framing: Framing, message: Uint8Array | string): boolean {
    const page = this.#fresh instanceof Uint8Array ? this.#openPage(this.#fresh) : this.#fresh;
    return page !== undefined && page.append(framing, message);
  }

  /** Has the only fresh message wait in a page, where there is room for more; `undefined`: there is none. */
  #openPage(only: Uint8Array): ReplyBuffer | undefined {
    const page = this.#context.pages.take(only.length);
    if (page === undefined) return undefined;
    page.put(only);
    this.#fresh = page;
    return page;
  }

  /** Sends what waits for the end of the callbacks, behind what is in the queue. */
  #sendFresh(): void {
    const { pages, replies } = this.#context;
    const fresh = this.#fresh;
    if (this.#queue?.isEmpty === false) return void this.#enqueue();
    this.#fresh = undefined;
    if (fresh instanceof Uint8Array) {
      replies.owner = this;
      replies.put(fresh); // The thread's reply buffer is empty.
    } else if (fresh !== undefined) {
      this.#sendReplies(fresh);
      pages.giveBack(fresh);
    }
  }

  /** Sends what is in `replies`; what the kernel does not take waits. */
  #sendReplies(replies: ReplyBuffer): void {
    const { row, sys } = this.#context;
    const { length } = replies;
    if (length === 0) return;
    if (this.#owner.is(NO_OUTPUT)) return this.#refuse();
    const sent = this.isSent ? sys.send(this.#fd, replies.memory, replies.start, length) : EAGAIN;
    if (sent !== length) return this.#keepRest(replies, sent);
    replies.clear();
    row.countSent(sent);
  }

  /** Drops replies that came after the end of this side. */
  #refuse(): void {
    this.#context.replies.clear();
    this.#owner.serviceFailed(outputEnded());
  }

  #keepRest(replies: ReplyBuffer, sent: number): void {
    const { row } = this.#context;
    const blocks = this.isSent;
    const rest = replies.takeRest(Math.max(sent, 0));
    if (sent < 0 && sent !== EAGAIN) return this.#owner.sendFailed(sent);
    row.countSent(Math.max(sent, 0));
    this.#enqueue(rest);
    if (blocks) this.#owner.set(BLOCKED);
  }

  #sendQueue(queue: SendQueue): void {
    if (queue.isEmpty || this.#owner.is(BLOCKED | CLOSED)) return;
    const result = queue.flush();
    if (result < 0) this.#owner.sendFailed(result);
    else if (!queue.isEmpty) this.#owner.set(BLOCKED);
  }

  /** Appends a reply to what waits; a long one is lent, unless it lies in the thread's own memory, which the next message needs. */
  #enqueueReply(reply: Uint8Array | string): SendQueue {
    const { input } = this.#context;
    const { framing } = this.#owner.codec;
    const length = lengthOf(reply);
    const queue = this.#enqueue();
    if (length > MAX_SEND_BYTES - framing.overhead) this.#owner.replyTooLong(length);
    else if (typeof reply === 'string' || memoryOf(reply) === input.bytes.buffer)
      queue.push(frameReply(framing, reply));
    else if (length > LEND_LIMIT_BYTES || reply instanceof LentBytes) queue.borrow(lendReply(framing, reply));
    else queue.push(frameReply(framing, reply));
    return queue;
  }

  /** Appends what is fresh and `bytes`, if there are any, to what waits where it can be kept for long. */
  #enqueue(bytes?: Uint8Array): SendQueue {
    const queue = (this.#queue ??= new SendQueue(this.#context, this.#fd));
    const fresh = this.#fresh;
    if (fresh !== undefined) queue.push(fresh instanceof Uint8Array ? fresh : fresh.takeRest(0));
    this.#dropFresh();
    if (bytes !== undefined) queue.push(bytes);
    return queue;
  }

  #dropFresh(): void {
    const fresh = this.#fresh;
    this.#fresh = undefined;
    if (fresh !== undefined && !(fresh instanceof Uint8Array)) this.#context.pages.giveBack(fresh);
  }
}
