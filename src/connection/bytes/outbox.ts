/** Keeps what is to be sent to a client and was not taken by the kernel yet. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import { EAGAIN, EFAULT } from '../../sys/errno.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { SocketCalls } from '../sockets.ts';
import { SharedBuffer, type MemoryBlocks } from './saved-bytes.ts';
import { LentBytes } from './lent-bytes.ts';

/** Chunks up to this long are put together for one `send`; a longer one goes out from where it lies. */
const COPY_LIMIT_BYTES = 16 * 1024;

/** What may be moved into the arena at once: its largest block. */
const SPILL_LIMIT_BYTES = 16 * 2 ** 20;

export class Outbox {
  /** How many bytes wait here. */
  length: number;
  /** The first of them, where they move with the client. */
  #kept: SharedBuffer | undefined;
  readonly #chunks: Uint8Array[] = [];
  /** Some chunks may be lent. */
  #borrows = false;

  constructor(kept?: SharedBuffer) {
    this.#kept = kept;
    this.length = kept?.length ?? 0;
  }

  /** How much memory that takes; a block of the arena is larger than what is in it. */
  get allocated(): number {
    const kept = this.#kept;
    return kept === undefined ? this.length : this.length - kept.length + kept.store.capacity;
  }

  /** How much of that is not in the arena. */
  get allocatedHere(): number {
    const kept = this.#kept;
    return kept === undefined || kept.store.block === 0 ? this.allocated : this.length - kept.length;
  }

  /** Whether some of what waits is lent. */
  get isLent(): boolean {
    this.#borrows &&= this.#chunks.some((chunk) => chunk instanceof LentBytes);
    return this.#borrows;
  }

  /** Appends bytes; unless they are `LentBytes` nobody else may change them. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.length += bytes.length;
    this.#borrows ||= bytes instanceof LentBytes;
  }

  /**
   * Sends as much as the kernel takes; `scratch` is where small chunks are put together. Returns how many bytes that
   * was, or the errno if the connection is broken: EFAULT if bytes that were lent are gone.
   */
  flush(sys: Pick<SocketCalls, 'send' | 'wrap'>, fd: number, scratch: NativeBuffer): number {
    let total = 0;
    if (this.#borrows && this.#hasLost()) return EFAULT;
    while (this.length > 0) {
      const kept = this.#kept;
      const first = this.#chunks[0];
      const isLong = first !== undefined && first.length > COPY_LIMIT_BYTES;
      const memory = kept?.memory ?? (isLong ? sys.wrap(first) : scratch);
      const length = kept?.length ?? (isLong ? first.length : this.#gather(scratch.bytes));
      const sent = sys.send(fd, memory, kept?.from ?? 0, length);
      if (sent < 0) return sent === EAGAIN ? total : sent;
      this.#drop(sent);
      total += sent;
      if (sent < length) break;
    }
    return total;
  }

  /** Copies what is lent: from now on its owner may change it. False: some of it is gone. */
  own(): boolean {
    if (!this.#borrows) return true;
    if (this.#hasLost()) return false;
    this.#chunks.forEach((chunk, index) => {
      if (chunk instanceof LentBytes) this.#chunks[index] = Buffer.from(chunk);
    });
    this.#borrows = false;
    return true;
  }

  /**
   * Puts all that waits where it moves with the client. `undefined`: it stays on this thread, since it is more than `most`, or some
   * of it is gone. One long message must not take the room in the arena that many clients need.
   */
  spill(blocks: MemoryBlocks, most = SPILL_LIMIT_BYTES): SharedBuffer | undefined {
    if (this.length > Math.min(most, SPILL_LIMIT_BYTES) || (this.#borrows && this.#hasLost())) return undefined;
    this.#kept ??= new SharedBuffer(blocks, blocks.allocate(this.length));
    for (const chunk of this.#chunks) this.#kept.append(chunk, 0, chunk.length);
    this.#chunks.length = 0;
    this.#borrows = false;
    return this.#kept;
  }

  /** Drops what waits and gives the memory back. */
  clear(): void {
    this.#freeKept();
    this.#chunks.length = 0;
    this.#borrows = false;
    this.length = 0;
  }

  #hasLost(): boolean {
    return this.#chunks.some((chunk) => chunk.length === 0);
  }

  #freeKept(): void {
    this.#kept?.free();
    this.#kept = undefined;
  }

  #gather(target: Buffer): number {
    let at = 0;
    for (const chunk of this.#chunks) {
      if (chunk.length > COPY_LIMIT_BYTES || at + chunk.length > target.length) break;
      target.set(chunk, at);
      at += chunk.length;
    }
    return at;
  }

  #drop(bytes: number): void {
    this.length -= bytes;
    if (this.#kept !== undefined) {
      this.#kept.start += bytes;
      if (this.#kept.length === 0) this.#freeKept();
      return;
    }
    if (this.length === 0) {
      this.#chunks.length = 0;
      this.#borrows = false;
      return;
    }
    let left = bytes;
    let whole = 0;
    while (whole < this.#chunks.length && left >= (this.#chunks[whole] as Uint8Array).length) {
      left -= (this.#chunks[whole] as Uint8Array).length;
      whole++;
    }
    this.#chunks.splice(0, whole);
    if (left > 0) this.#chunks[0] = (this.#chunks[0] as Uint8Array).subarray(left);
  }
}
