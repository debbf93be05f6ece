/** Used to keep what is to be sent to a client and was not taken by the kernel yet. */
import { EAGAIN } from '../sys/errno.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';

/** Chunks up to this long are put together for one `send`; a longer one goes out from where it lies. */
const COPY_LIMIT = 16 * 1024;

export class Outbox {
  /** How many bytes wait here. */
  length = 0;
  readonly #chunks: Uint8Array[] = [];

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
  flush(sys: Sys, fd: number, scratch: NativeBuffer): number {
    let total = 0;
    while (this.#chunks.length > 0) {
      const first = this.#chunks[0] as Uint8Array;
      const memory = first.length > COPY_LIMIT ? sys.wrap(first) : scratch;
      const length = memory === scratch ? this.#gather(scratch.bytes) : first.length;
      const sent = sys.send(fd, memory, 0, length);
      if (sent < 0) return sent === EAGAIN ? total : sent;
      this.#drop(sent);
      total += sent;
      if (sent < length) break;
    }
    return total;
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
