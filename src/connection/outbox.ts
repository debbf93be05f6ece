/** Used to keep what is to be sent to a client and was not taken by the kernel yet. */
import { EAGAIN } from '../sys/errno.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { SocketCalls } from './host.ts';
import { Kept } from './kept.ts';
import type { Stores } from './store.ts';

/** Chunks up to this long are put together for one `send`; a longer one goes out from where it lies. */
const COPY_LIMIT = 16 * 1024;

/** What may be moved into the arena at once: its largest block. */
const STOW_LIMIT = 16 * 2 ** 20;

export class Outbox {
  /** How many bytes wait here. */
  length: number;
  /** The first of them, where they move with the client. */
  #kept: Kept | undefined;
  readonly #chunks: Uint8Array[] = [];

  constructor(kept?: Kept) {
    this.#kept = kept;
    this.length = kept?.length ?? 0;
  }

  /** Appends bytes; they must not be changed until they are sent. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.length += bytes.length;
  }

  /**
   * Sends as much as the kernel takes; `scratch` is where small chunks are put together. Returns how many bytes that
   * was, or the errno if the connection is broken.
   */
  flush(sys: Pick<SocketCalls, 'send' | 'wrap'>, fd: number, scratch: NativeBuffer): number {
    let total = 0;
    while (this.length > 0) {
      const kept = this.#kept;
      const first = this.#chunks[0];
      const isLong = first !== undefined && first.length > COPY_LIMIT;
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

  /** Puts all that waits where it moves with the client; `undefined`: it is too much, and stays on this thread. */
  stow(stores: Stores): Kept | undefined {
    if (this.length > STOW_LIMIT) return undefined;
    this.#kept ??= new Kept(stores, stores.allocate(this.length));
    for (const chunk of this.#chunks) this.#kept.append(chunk, 0, chunk.length);
    this.#chunks.length = 0;
    return this.#kept;
  }

  /** Drops what waits and gives the memory back. */
  clear(): void {
    this.#freeKept();
    this.#chunks.length = 0;
    this.length = 0;
  }

  #freeKept(): void {
    this.#kept?.free();
    this.#kept = undefined;
  }

  #gather(target: Buffer): number {
    let at = 0;
    for (const chunk of this.#chunks) {
      if (chunk.length > COPY_LIMIT || at + chunk.length > target.length) break;
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
