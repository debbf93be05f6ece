/** Used to keep what a client has sent and nobody has taken yet, and to say where its next bytes go. */
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';

/**
 * Left-over bytes of one client. Few of them are kept in a copy of just their length, and put in front of the next read
 * in the thread's buffer; many are read into memory of their own, which doubles as the message grows, so that a long
 * message is not copied at each read and a length in a header alone allocates nothing.
 */
export class Inbox {
  /** `bytes[start, end)` is what is kept. */
  bytes: Buffer;
  start = 0;
  end: number;
  /** How many of them a decoder has looked at in vain; see `Frame.scanned`. */
  scanned = 0;
  #own: NativeBuffer | undefined;

  private constructor(bytes: Buffer, end: number, own: NativeBuffer | undefined) {
    this.bytes = bytes;
    this.end = end;
    this.#own = own;
  }

  /** Keeps `bytes[from, to)`, a part of the thread's buffer of `shared` bytes. */
  static keep(sys: Sys, bytes: Buffer, from: number, to: number, shared: number): Inbox {
    const length = to - from;
    if (length < shared >> 1) return new Inbox(Buffer.from(bytes.subarray(from, to)), length, undefined);
    const own = sys.allocate(length * 2);
    bytes.copy(own.bytes, 0, from, to);
    return new Inbox(own.bytes, length, own);
  }

  get length(): number {
    return this.end - this.start;
  }

  /** Gives the memory for the next read: the kept bytes are at its front, there is room behind them. */
  open(sys: Sys, shared: NativeBuffer): NativeBuffer {
    if (this.#own === undefined && this.length < shared.size >> 1) {
      this.bytes.copy(shared.bytes, 0, this.start, this.end);
      return shared;
    }
    return this.#grown(sys, shared.size >> 1);
  }

  #grown(sys: Sys, room: number): NativeBuffer {
    const { length } = this;
    const own = this.#own !== undefined && this.#own.size - length >= room ? this.#own : sys.allocate(length * 2);
    if (own !== this.#own || this.start > 0) this.bytes.copy(own.bytes, 0, this.start, this.end);
    this.#own = own;
    this.bytes = own.bytes;
    this.start = 0;
    this.end = length;
    return own;
  }

  /** After a read into `open`'s memory: what is left is `[from, to)` there. */
  update(memory: NativeBuffer, from: number, to: number): void {
    if (memory === this.#own) {
      this.start = from;
      this.end = to;
      return;
    }
    this.bytes = Buffer.from(memory.bytes.subarray(from, to));
    this.start = 0;
    this.end = to - from;
  }
}
