/** Keeps what cannot be sent to one client yet, and the senders that wait until there is room for more. */
import type { HeddleError } from '../../errors.ts';
import type { SavedBytes } from '../../sharing/connection-table.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { MemoryBlocks, SharedBuffer } from './saved-bytes.ts';
import { Outbox } from './outbox.ts';
import type { SocketCalls } from '../sockets.ts';

/** From here on, `send` asks its caller to wait; in bytes. */
const HIGH_WATER_BYTES = 64 * 1024;

/** What `send` gives for a message that need not wait for room. */
export const SENT = Promise.resolve();

/** What `send` gives for a message that cannot be sent. A service may send without awaiting: then nobody learns of the `reason`. */
export function refused(reason: HeddleError): Promise<never> {
  const promise = Promise.reject(reason);
  promise.catch(ignore);
  return promise;
}

const ignore = (): void => {};

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: HeddleError) => void;
}

/** What a queue needs of its thread. `replies.own`: memory in which small chunks are put together. */
export interface SendQueueContext {
  readonly sys: Pick<SocketCalls, 'send' | 'wrap'>;
  readonly row: ThreadRow;
  readonly blocks: MemoryBlocks;
  readonly replies: { readonly own: NativeBuffer };
  readonly settings: { readonly maxUnsent: number };
}

export class SendQueue {
  readonly #context: SendQueueContext;
  readonly #fd: number;
  readonly #outbox: Outbox;
  #waiting: Waiting[] | undefined = undefined;
  /** How many bytes were ever appended. */
  #appended: number;
  /** A message that may be as long as it likes: how long it is, and where it ends among the bytes that were appended. */
  #exempt = 0;
  #exemptEnd = 0;

  /** `unsent`: what was not sent when the client moved here. */
  constructor(context: SendQueueContext, fd: number, unsent?: SharedBuffer) {
    this.#context = context;
    this.#fd = fd;
    this.#outbox = new Outbox(unsent);
    this.#appended = this.#outbox.length;
  }

  get isEmpty(): boolean {
    return this.#outbox.length === 0;
  }

  /** Somebody waits for room: who cannot be told any more once the client has moved. */
  get isAwaited(): boolean {
    return this.#waiting !== undefined;
  }

  /** How many bytes wait. */
  get length(): number {
    return this.#outbox.length;
  }

  /** How much memory that takes. */
  get allocated(): number {
    return this.#outbox.allocated;
  }

  /** How much of that is not in the arena. */
  get allocatedHere(): number {
    return this.#outbox.allocatedHere;
  }

  /**
   * How many bytes have piled up: those that wait, but for one message. That is the last one, or a long one that is still on its way
   * when short ones follow.
   */
  get piledUp(): number {
    return this.length - this.#exemptLeft;
  }

  /** Appends bytes that nobody else changes. */
  push(bytes: Uint8Array): void {
    this.#outbox.push(bytes);
    this.#note(bytes.length);
  }

  /** Appends a message in parts, some of which are lent. */
  borrow(parts: readonly Uint8Array[]): void {
    const before = this.length;
    for (const part of parts) this.#outbox.push(part);
    this.#note(this.length - before);
  }

  /** Copies what is lent and waits: its owner may change it from now on. */
  own(): void {
    this.#outbox.own();
  }

  /** Sends as much as the kernel takes. Returns 0, or the errno of a broken connection. */
  flush(): number {
    const { replies, row, sys } = this.#context;
    const sent = this.#outbox.flush(sys, this.#fd, replies.own);
    if (sent < 0) return sent;
    row.countSent(sent);
    if (this.#waiting === undefined || this.length >= HIGH_WATER_BYTES || this.#outbox.isLent) return 0;
    for (const { resolve } of this.#takeWaiting()) resolve();
    return 0;
  }

  /** Settles when little enough waits that more may be sent, and nothing of it is lent. */
  room(): Promise<void> {
    if (this.length < HIGH_WATER_BYTES && !this.#outbox.isLent) return SENT;
    const room = new Promise<void>((resolve, reject) => {
      this.#waiting ??= [];
      this.#waiting.push({ resolve, reject });
    });
    room.catch(ignore); // Nobody has to await it.
    return room;
  }

  /** Puts what waits where it moves with the client; `undefined`: nothing waits, or it cannot move. */
  spill(): SavedBytes | undefined {
    const { blocks, settings } = this.#context;
    return this.isEmpty ? undefined : this.#outbox.spill(blocks, settings.maxUnsent)?.saved;
  }

  /** Takes note of a message of `length` bytes that was appended. */
  #note(length: number): void {
    this.#appended += length;
    if (this.#exempt > HIGH_WATER_BYTES && this.#exemptLeft > length) return;
    this.#exempt = length;
    this.#exemptEnd = this.#appended;
  }

  /** How many bytes of the message that may be as long as it likes wait. */
  get #exemptLeft(): number {
    const sent = this.#appended - this.length;
    return Math.min(this.#exempt, Math.max(0, this.#exemptEnd - sent));
  }

  /** Drops what waits; those who wait for room get an `error`. */
  close(error: () => HeddleError): void {
    this.#outbox.clear();
    for (const { reject } of this.#takeWaiting()) reject(error());
  }

  #takeWaiting(): readonly Waiting[] {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    return waiting;
  }
}
