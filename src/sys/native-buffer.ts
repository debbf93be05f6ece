/** Used to hand memory to the kernel: bytes together with the address that a system call needs. */

/** Finds where the bytes of a view lie; given by the FFI, which this file does not know. */
export type AddressOf = (bytes: Uint8Array) => bigint;

/** Up to here a view is kept, in bytes; with longer messages, what a view costs is not seen. */
const LONGEST_KEPT = 2048;
/** How many views of a buffer are kept. */
const VIEWS = 2048;
/** The upper bits of a multiplicative hash (Knuth, volume 3, 6.4) are the good ones. */
const SLOT_SHIFT = 21;

/**
 * Bytes with a fixed address. V8 never moves the memory behind an ArrayBuffer, and `bytes` keeps it alive for as long
 * as this object is held, so an address and an offset are enough for a call: no view has to be made for each one.
 */
export class NativeBuffer {
  readonly bytes: Buffer;
  readonly address: number;
  readonly size: number;
  /** `address` as an object that is there already: a number that large is made anew, on the heap, for each call. */
  readonly #pointer: bigint;
  #views: Views | undefined = undefined;

  constructor(bytes: Buffer, addressOf: AddressOf) {
    this.bytes = bytes;
    this.size = bytes.length;
    this.#pointer = addressOf(bytes);
    this.address = Number(this.#pointer);
  }

  /** The address of `bytes[offset]`, for a call. */
  at(offset: number): number | bigint {
    return offset === 0 ? this.#pointer : this.address + offset;
  }

  /**
   * Gives `bytes[start, end)` as a Buffer. Making one costs 60 ns, as much as reversing 64 bytes, so a short one is kept and
   * given again: messages of one length, alone or in a row, find theirs.
   */
  view(start: number, end: number): Buffer {
    if (end - start > LONGEST_KEPT) return this.bytes.subarray(start, end);
    this.#views ??= new Views();
    const { starts, ends, views } = this.#views;
    const slot = (Math.imul(start, 0x9e3779b1) + Math.imul(end, 0x85ebca6b)) >>> SLOT_SHIFT;
    if (starts[slot] === start && ends[slot] === end) return views[slot] as Buffer;
    starts[slot] = start;
    ends[slot] = end;
    return (views[slot] = this.bytes.subarray(start, end));
  }
}

/** A direct-mapped cache. */
class Views {
  readonly starts = new Int32Array(VIEWS);
  readonly ends = new Int32Array(VIEWS).fill(-1);
  readonly views: (Buffer | undefined)[] = new Array(VIEWS).fill(undefined);
}
