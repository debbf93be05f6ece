/** Keeps what one client has sent and nobody has taken, and knows whether the kernel may have more. */
import type { SavedBytes } from '../sharing/connection-table.ts';
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLPRI, EPOLLRDHUP } from '../sys/constants.ts';
import { type Frame, type FrameStatus, type Framing, INCOMPLETE } from '../framing/frame.ts';
import type { Reader } from './bytes/reader.ts';
import type { SharedBuffer } from './bytes/saved-bytes.ts';

/*
 * Sockets are watched for changes (EPOLLET): epoll does not report again what it has reported, until more comes. So an
 * input remembers what it has not read yet. A read that takes less than there was room for has taken all there was
 * (epoll(7), questions and answers, 9), except for the end of the stream and other things that are not bytes: after an
 * event that tells of one of those, the input is read until there is nothing more. At a Unix socket any read may end
 * early, at a descriptor that was sent along, and no event tells of that.
 */

/** The kernel may have bytes that were not read. */
const BYTES = 1;
/** The kernel may have something behind those bytes: the end of the stream, an error. */
const BEYOND = 2;

/** Events after which there may be something behind the bytes. */
const BEYOND_EVENTS = EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;

export class Input {
  readonly #reader: Reader;
  readonly #fd: number;
  readonly #beyondEvents: number;
  #unread = 0;
  #kept: SharedBuffer | undefined;

  /** `kept`: what was read before and not taken. */
  constructor(reader: Reader, fd: number, isUnix: boolean, kept: SharedBuffer | undefined) {
    this.#reader = reader;
    this.#fd = fd;
    this.#beyondEvents = isUnix ? EPOLLIN | BEYOND_EVENTS : BEYOND_EVENTS;
    this.#kept = kept;
  }

  /** Whether the kernel may have something that was not read. */
  get isUnread(): boolean {
    return this.#unread !== 0;
  }

  /** Whether everything that was read was taken. */
  get isTaken(): boolean {
    return this.#kept === undefined;
  }

  /** Whether there is nothing at all to remember until epoll reports the next event. */
  get isClear(): boolean {
    return this.#kept === undefined && this.#unread === 0;
  }

  /** How much memory is taken by what is kept. */
  get allocated(): number {
    return this.#kept === undefined ? 0 : this.#kept.store.capacity;
  }

  /** How much of it is not in the arena. */
  get allocatedHere(): number {
    return this.#kept === undefined || this.#kept.store.block !== 0 ? 0 : this.#kept.store.capacity;
  }

  /** What to leave with the slot; `undefined`: nothing is kept, or it is not in the arena and cannot move. */
  get saved(): SavedBytes | undefined {
    return this.#kept?.saved;
  }

  /** How many of the kept bytes a decoder has looked at in vain; see `Frame.scanned`. */
  get scanned(): number {
    return this.#kept?.scanned ?? 0;
  }

  /** Notes that epoll has reported something to read; `mask` says what. */
  noteReadable(mask: number): void {
    this.#unread |= mask & this.#beyondEvents ? BYTES | BEYOND : BYTES;
  }

  /** Notes that anything may be there to read: no event says what. */
  noteMaybeReadable(): void {
    this.#unread = BYTES | BEYOND;
  }

  /** Notes that there is nothing to read until epoll reports more. */
  noteAllRead(): void {
    this.#unread = 0;
  }

  /** Reads once; the reader has what came. Returns how many bytes that was, 0 at the end of the stream, or the errno. */
  read(): number {
    const reader = this.#reader;
    const received = reader.receive(this.#fd, this.#kept);
    if (received <= 0 || (!reader.isFull && !(this.#unread & BEYOND))) this.#unread = 0;
    return received;
  }

  /** Lets the reader find what is kept; false: nothing is. */
  rest(): boolean {
    if (this.#kept === undefined) return false;
    this.#reader.open(this.#kept);
    return true;
  }

  /** Looks for the first message of what is kept; `frame` then says where it is in `keptBytes`. */
  findKept(framing: Framing, frame: Frame): FrameStatus {
    const kept = this.#kept as SharedBuffer;
    frame.scanned = kept.scanned;
    const status = framing.decode(kept.memory.bytes, kept.from, kept.to, frame);
    if (status === INCOMPLETE) kept.scanned = frame.scanned;
    return status;
  }

  /** What is kept is a part of this. */
  get keptBytes(): Buffer {
    return (this.#kept as SharedBuffer).memory.bytes;
  }

  /** Where it begins there. */
  get keptFrom(): number {
    return (this.#kept as SharedBuffer).from;
  }

  /** Drops the first `length` bytes of it. */
  take(length: number): void {
    const kept = this.#kept as SharedBuffer;
    if (length === kept.length) return this.drop();
    kept.start += length;
    kept.scanned = 0;
  }

  /** Has the decoder look at all that is kept: it is another one now. */
  scanAnew(): void {
    if (this.#kept !== undefined) this.#kept.scanned = 0;
  }

  /** Keeps what the reader has from `from` on. */
  keep(from: number): void {
    this.#kept = this.#reader.keep(from, this.#kept);
  }

  /** Frees what is kept. Only for whoever has the slot. */
  drop(): void {
    this.#kept?.free();
    this.#kept = undefined;
  }
}
