/** Holds the bytes of one client: what was read and not taken, and what is to be sent. */
import type { HeddleError } from '../errors.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLPRI, EPOLLRDHUP } from '../sys/constants.ts';
import { EAGAIN } from '../sys/errno.ts';
import { UNIX_PEER } from '../sys/structs/socket-address.ts';
import { memoryOf } from '../sys/typed-array.ts';
import { BLOCKED, CLOSED, Flags, UNREAD, UNREAD_BEYOND, UNREAD_BYTES } from './flags.ts';
import type { ThreadContext } from './context.ts';
import type { SharedBuffer } from './saved-bytes.ts';
import { lendReply } from './lent-bytes.ts';
import { Output, SENT } from './output.ts';
import { checkReply, frameReply, lengthOf } from './reply-buffer.ts';

/*
 * Sockets are watched for changes (EPOLLET): what was reported is not reported again until more comes, so a channel
 * remembers what it has not read yet. A read that takes less than there was room for has taken all there was (epoll(7),
 * questions and answers, 9), but for the end of the stream and other things that are no bytes: after an event that tells
 * of one of those, it is read until there is nothing more. At a Unix socket any read may end early, at a descriptor that
 * was sent along, and nothing tells of that.
 */

/** A message up to this long that waits alone is sent from the thread's buffer; others go out from where they lie. */
const COPY_LIMIT_BYTES = 16 * 1024;

/** A longer message is not copied before the kernel has taken what it takes of it: the copy would cost more than the calls do. */
const LEND_LIMIT_BYTES = 64 * 1024;

/** The kernel is told lengths as 32-bit integers. */
const MAX_SEND_BYTES = 2 ** 31 - 1;

/** Of the events of epoll, those which tell that bytes are not all that is to be read. */
const BEYOND_BYTES = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

export abstract class Channel extends Flags {
  readonly fd: number;
  readonly remoteAddress: string;
  protected readonly context: ThreadContext;
  /** What was read and nobody has taken yet. */
  protected inbox: SharedBuffer | undefined;
  /** What waits to be sent, but for `#only`; `undefined`: nothing ever had to. */
  protected output: Output | undefined;
  /** The only message that waits, for the end of the callbacks: most go out before there is another, and need no `output`. */
  #only: Uint8Array | undefined = undefined;
  /** Events after which there may be something behind the bytes. */
  readonly #beyond: number;

  constructor(context: ThreadContext, fd: number, inbox: SharedBuffer | undefined, output: Output | undefined) {
    super();
    this.context = context;
    this.fd = fd;
    this.inbox = inbox;
    this.output = output;
    if (output !== undefined) this.set(BLOCKED);
    // Read now: later, the slot may be another client's.
    this.remoteAddress = context.sys.addressText(context.table.address(fd));
    this.#beyond = this.remoteAddress === UNIX_PEER ? EPOLLIN | BEYOND_BYTES : BEYOND_BYTES;
  }

  /** Sending has failed with the errno `result`: the connection is over. */
  protected abstract broken(result: number): void;
  /** A reply of `length` bytes is more than can be sent. */
  protected abstract refuseReply(length: number): void;

  /** Nothing waits to be sent, but for the replies of this read. */
  protected get allSent(): boolean {
    return this.#only === undefined && (this.output === undefined || this.output.isEmpty);
  }

  /** Takes note that epoll has told of something to read; `mask` says of what. */
  protected noteReadable(mask: number): void {
    this.set(mask & this.#beyond ? UNREAD : UNREAD_BYTES);
  }

  /** Takes note that anything may be there to read: nothing has told what. */
  protected mayBeReadable(): void {
    this.set(UNREAD);
  }

  /** Takes note that there is nothing to read until epoll tells of more. */
  protected allRead(): void {
    this.unset(UNREAD);
  }

  /** Reads once; `context.reader` has what came. Returns how many bytes that was, 0 at the end of the stream, or the errno. */
  protected read(): number {
    const { reader } = this.context;
    const received = reader.receive(this.fd, this.inbox);
    if (received <= 0 || (!reader.isFull && !this.is(UNREAD_BEYOND))) this.unset(UNREAD);
    return received;
  }

  /** Lets `context.reader` find what was not taken before; false: nothing is left. */
  protected reopen(): boolean {
    if (this.inbox === undefined) return false;
    this.context.reader.open(this.inbox);
    return true;
  }

  /** Keeps what `context.reader` has from `from` on. */
  protected keep(from: number): void {
    this.inbox = this.context.reader.keep(from, this.inbox);
  }

  protected dropInput(): void {
    this.inbox?.free();
    this.inbox = undefined;
  }

  /** Drops what waits to be sent; those who wait for room get an `error`. */
  protected dropOutput(error: () => HeddleError): void {
    const { replies } = this.context;
    if (replies.owner === this) replies.clear();
    this.#only = undefined;
    this.output?.close(error);
  }

  /** Appends a reply to the replies of this read; from now on its memory is the service's again. */
  protected reply(reply: unknown): void {
    if (!this.#append(reply) && !this.context.borrowsReplies) this.output?.own();
  }

  /** Appends a message to the replies of this read; false: it did not fit, and what the kernel did not take of it may be lent. */
  #append(message: unknown): boolean {
    const { framing, replies } = this.context;
    const checked = checkReply(framing, message);
    replies.owner = this;
    if (this.allSent && replies.append(framing, checked)) return true;
    this.#sendReplies();
    if (this.is(CLOSED) || (this.allSent && replies.append(framing, checked))) return true;
    this.#queueReply(checked);
    this.sendAll();
    return false;
  }

  /** The same for a reply that lies in `[from, to)` of the read buffer, in its frame; false: use `reply`. */
  protected replyInPlace(from: number, to: number): boolean {
    const { replies } = this.context;
    if (replies.owner !== this) replies.owner = this;
    return this.allSent && replies.appendInPlace(from, to);
  }

  /** Sends a message, as far as the kernel takes it; nothing else waits. Settles when little enough waits that more may be sent. */
  protected sendAtOnce(message: unknown): Promise<void> {
    this.#append(message);
    this.sendAll();
    return this.output === undefined ? SENT : this.output.room();
  }

  /** Keeps a message for the next `sendAll`. Settles when little enough waits that more may be sent. */
  protected sendLater(message: unknown): Promise<void> {
    const { framing } = this.context;
    this.stashReplies();
    const checked = checkReply(framing, message);
    if (!this.allSent || lengthOf(checked) > COPY_LIMIT_BYTES) return this.#queueReply(checked).room();
    this.#only = frameReply(framing, checked);
    return SENT;
  }

  /** Takes the replies of this read out of the thread's buffer: they are sent later. */
  protected stashReplies(): void {
    const { replies } = this.context;
    if (replies.owner === this && replies.length > 0) this.queue(replies.takeRest(0));
  }

  /** Sends all there is to send, as far as the kernel takes it. */
  protected sendAll(): void {
    if (this.#only !== undefined) this.#takeOnly(this.#only);
    this.#sendReplies();
    if (this.output !== undefined) this.#sendOutput(this.output);
  }

  /** Has the thread's reply buffer, which is empty, take the only message that waits. */
  #takeOnly(only: Uint8Array): void {
    const { replies } = this.context;
    this.#only = undefined;
    replies.owner = this;
    replies.put(only);
  }

  /** Sends what is in the thread's reply buffer; what the kernel does not take waits. */
  #sendReplies(): void {
    const { replies, row, sys } = this.context;
    const { length } = replies;
    if (length === 0) return;
    const sent = this.allSent ? sys.send(this.fd, replies.memory, replies.start, length) : EAGAIN;
    if (sent !== length) return this.#keepRest(sent);
    replies.clear();
    row.countSent(sent);
  }

  #keepRest(sent: number): void {
    const { replies, row } = this.context;
    const blocks = this.allSent;
    const rest = replies.takeRest(Math.max(sent, 0));
    if (sent < 0 && sent !== EAGAIN) return this.broken(sent);
    row.countSent(Math.max(sent, 0));
    this.queue(rest);
    if (blocks) this.set(BLOCKED);
  }

  #sendOutput(output: Output): void {
    if (output.isEmpty || this.is(BLOCKED | CLOSED)) return;
    const result = output.flush();
    if (result < 0) this.broken(result);
    else if (!output.isEmpty) this.set(BLOCKED);
  }

  /** Appends a reply to what waits; a long one is lent, unless it lies in the thread's own memory, which the next message needs. */
  #queueReply(reply: Uint8Array | string): Output {
    const { framing, input } = this.context;
    const length = lengthOf(reply);
    const output = this.queue();
    if (length > MAX_SEND_BYTES - framing.overhead) this.refuseReply(length);
    else if (typeof reply === 'string' || length <= LEND_LIMIT_BYTES || memoryOf(reply) === input.bytes.buffer)
      output.push(frameReply(framing, reply));
    else output.borrow(lendReply(framing, reply));
    return output;
  }

  /** Appends `bytes`, if there are any, to what waits, where it can be kept for long. */
  protected queue(bytes?: Uint8Array): Output {
    this.output ??= new Output(this.context, this.fd);
    if (this.#only !== undefined) this.output.push(this.#only);
    this.#only = undefined;
    if (bytes !== undefined) this.output.push(bytes);
    return this.output;
  }
}
