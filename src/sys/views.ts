/** Gives parts of a buffer as views of it. */

/** Up to here a view is kept, in bytes; with longer messages, what a view costs is not seen. */
const MAX_KEPT_BYTES = 2047;
/** A place, a view's start and its length, is one small integer to V8. */
const LENGTH_BITS = 11;
const MAX_KEPT_OFFSET_BYTES = 2 ** (31 - LENGTH_BITS) - 1;
/** How many views are kept. */
const KEPT = 2048;
/** The upper bits of a multiplicative hash (Knuth, volume 3, 6.4) are the good ones. */
const SLOT_SHIFT = 21;

/**
 * Views of `bytes`. Making one costs 60 ns, more than all else that is done with a message of 64 bytes, so a short one is kept and
 * given again, from a direct-mapped cache: messages of one length, alone or in a row, find theirs.
 */
export class Views {
  readonly bytes: Buffer;
  readonly #places = new Int32Array(KEPT).fill(-1);
  readonly #views: Buffer[];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#views = new Array<Buffer>(KEPT).fill(bytes);
  }

  /** Gives `bytes[start, end)`. */
  of(start: number, end: number): Buffer {
    const length = end - start;
    if (length > MAX_KEPT_BYTES || start > MAX_KEPT_OFFSET_BYTES) return this.bytes.subarray(start, end);
    const place = (start << LENGTH_BITS) | length;
    const slot = Math.imul(place, 0x9e3779b1) >>> SLOT_SHIFT;
    return this.#places[slot] === place ? (this.#views[slot] as Buffer) : this.#make(start, end, place, slot);
  }

  #make(start: number, end: number, place: number, slot: number): Buffer {
    const view = this.bytes.subarray(start, end);
    this.#places[slot] = place;
    this.#views[slot] = view;
    return view;
  }
}
