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
/** Behind the header: a word for each unit that says whose block begins there, and how large it is. 0: none does. */
const OWNERS = UNIT >> 2;

/** The owner of a block that lies in a connection's slot: whoever has the slot has the block. */
const SLOT = 0xffff;

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
    arena.#words[TOP] = 1 + Math.ceil(((size / UNIT) * 4) / UNIT);
    return arena;
  }

  /** How many bytes are in blocks that were not freed. */
  get used(): number {
    return Atomics.load(this.#words, USED) * UNIT;
  }

  /** Takes a block of at least `size` bytes for `thread`, which runs this; 0: there is none. */
  allocate(size: number, thread: number): Block {
    const index = sizeIndex(size);
    if (index >= SIZES) return 0;
    this.lock.acquireSync();
    const block = this.#take(index);
    if (block !== 0) {
      this.#words[USED] = (this.#words[USED] as number) + (1 << index);
      this.#words[OWNERS + block] = ((index + 1) << 16) | thread;
    }
    this.lock.release();
    return block;
  }

  /** Gives back a block of `capacity` bytes. */
  free(block: Block, capacity: number): void {
    this.lock.acquireSync();
    this.#free(block, sizeIndex(capacity));
    this.lock.release();
  }

  /** Leaves `block` to the slot that names it from now on. */
  leave(block: Block): void {
    this.#words[OWNERS + block] = (this.#words[OWNERS + block] as number) | SLOT;
  }

  /** Takes `block` out of the slot that named it: it is `thread`'s. */
  claim(block: Block, thread: number): void {
    this.#words[OWNERS + block] = ((this.#words[OWNERS + block] as number) & ~SLOT) | thread;
  }

  /** Frees the blocks of `thread`, which is gone. */
  reclaim(thread: number): void {
    this.lock.acquireSync();
    const top = this.#words[TOP] as number;
    for (let block = 1; block < top; block++) {
      const owner = this.#words[OWNERS + block] as number;
      if (owner !== 0 && (owner & SLOT) === thread) this.#free(block, (owner >> 16) - 1);
    }
    this.lock.release();
  }

  #free(block: Block, index: number): void {
    this.#words[OWNERS + block] = 0;
    this.#words[this.#word(block)] = this.#words[FREE + index] as number;
    this.#words[FREE + index] = block;
    this.#words[USED] = (this.#words[USED] as number) - (1 << index);
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
