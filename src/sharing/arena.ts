/** Used to keep bytes for a client where every thread finds them: half a message, or a reply that the kernel did not take. */
import { Lock } from './lock.ts';

// Words of the header. LOCK takes two; FREE is the first of one list head for each size of block.
const LOCK = 0;
const TOP = 2;
const USED = 3;
const FREE = 4;

/** Blocks have 2^8 to 2^24 bytes (256 bytes to 16 MiB). */
const SMALLEST = 8;
const LARGEST = 24;
const SIZES = LARGEST - SMALLEST + 1;
const UNIT = 1 << SMALLEST;
const HEADER_UNITS = 1;

/** Where a block begins, in units of 256 bytes; never 0, which so means none. */
export type Block = number;

/**
 * Memory for all threads in blocks of powers of two, each size with a list of its free blocks: an allocation is a few
 * loads and stores under a lock. The arena does not grow: when it is full, `allocate` says so and the caller keeps its
 * bytes elsewhere. The kernel maps a page when it is first written, so an unused arena takes no memory.
 */
export class Arena {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Buffer;
  readonly lock: Lock;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer);
    this.lock = new Lock(buffer, LOCK * 4);
    this.#words = new Int32Array(buffer);
  }

  /** `size`: bytes in all; a multiple of 256. */
  static create(size: number): Arena {
    const arena = new Arena(new SharedArrayBuffer(size));
    arena.#words[TOP] = HEADER_UNITS;
    return arena;
  }

  /** How many bytes are in blocks that were not freed. */
  get used(): number {
    return Atomics.load(this.#words, USED) * UNIT;
  }

  /** Takes a block of at least `size` bytes; 0: there is none. May be called on any thread. */
  allocate(size: number): Block {
    const index = sizeIndex(size);
    if (index >= SIZES) return 0;
    this.lock.acquireSync();
    const block = this.#take(index);
    if (block !== 0) this.#words[USED] = (this.#words[USED] as number) + (1 << index);
    this.lock.release();
    return block;
  }

  /** Gives back a block of `capacity` bytes. */
  free(block: Block, capacity: number): void {
    const index = sizeIndex(capacity);
    this.lock.acquireSync();
    this.#words[this.#word(block)] = this.#words[FREE + index] as number;
    this.#words[FREE + index] = block;
    this.#words[USED] = (this.#words[USED] as number) - (1 << index);
    this.lock.release();
  }

  /** The first byte of `block` in `bytes`. */
  offset(block: Block): number {
    return block * UNIT;
  }

  /** How many bytes a block for `size` bytes has. */
  static capacity(size: number): number {
    return UNIT << sizeIndex(size);
  }

  /** From the list of its size, else from what was never used, else half of a larger one. */
  #take(index: number): Block {
    if (index >= SIZES) return 0;
    const first = this.#words[FREE + index] as number;
    if (first !== 0) {
      this.#words[FREE + index] = this.#words[this.#word(first)] as number;
      return first;
    }
    const top = this.#words[TOP] as number;
    const units = 1 << index;
    if ((top + units) * UNIT <= this.bytes.length) {
      this.#words[TOP] = top + units;
      return top;
    }
    const larger = this.#take(index + 1);
    if (larger === 0) return 0;
    const second = larger + units;
    this.#words[this.#word(second)] = this.#words[FREE + index] as number;
    this.#words[FREE + index] = second;
    return larger;
  }

  /** The word of a free block that says which is next in its list. */
  #word(block: Block): number {
    return (block * UNIT) >> 2;
  }
}

function sizeIndex(size: number): number {
  return size <= UNIT ? 0 : 32 - Math.clz32(size - 1) - SMALLEST;
}
