/** Keeps bytes for a client where every thread finds them: half a message, or a reply that the kernel did not take. */
import { BriefLock } from './brief-lock.ts';

// Words of the header. LOCK takes two; FREE is the first of one list head for each size of block.
const LOCK = 0;
const USED = 2;
const SURPLUS = 3;
const FREE = 4;

/** Blocks have 2^8 to 2^24 bytes (256 bytes to 16 MiB). */
const SMALLEST = 8;
const LARGEST = 24;
const SIZES = LARGEST - SMALLEST + 1;
const UNIT_BYTES = 1 << SMALLEST;
/** Behind the header, for each unit: its tag, and the blocks after and before it in the list of its size. */
const WORDS_A_UNIT = 3;

/** A tag's lower half: the owner of a block that lies in a connection's slot: whoever has the slot has the block. */
const SLOT = 0xffff;

/** Who has a block while its pages are given back; no thread has this number. */
const CLEANER = 0xfffd;
/** Of the tag of a free block: nothing was written to it since its pages were given back. */
const CLEAN = 0x20;
/** Pages of free blocks from this size on are given back: 64 KiB. */
const CLEANED = 16 - SMALLEST;

/** A block of more bytes than this is never cut from the reserve, the last quarter. */
const RESERVE_FOR_BYTES = 4096;

/** Where a block begins, in units of 256 bytes; never 0, which so means none. */
export type Block = number;

/**
 * Memory for all threads in blocks of powers of two: a binary buddy system (Knowlton 1965; Knuth, The Art of Computer
 * Programming, volume 1, section 2.5, algorithms R and S). A freed block is joined with the other half of the block that
 * it was cut from, if that is free, and so on. An allocation is a few loads and stores under a lock.
 *
 * The arena does not grow: when it is full, `allocate` says so and the caller keeps its bytes elsewhere. Its last quarter
 * is kept for blocks of up to 4 KiB, so that clients with long messages cannot take the room of those with short ones.
 *
 * The tags are the truth: a positive one begins a block in use (its size and owner), a negative one a free block (its
 * size, and whether it is clean), 0 is inside a block. The lists follow from them, and are made anew after a thread that ended inside the lock.
 * Lists and tags lie apart from the blocks, and the kernel maps a page when it is first written: an unused arena takes no
 * memory, and a freed block is not touched.
 */
export class Arena {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Buffer;
  readonly lock: BriefLock;
  readonly #words: Int32Array;
  readonly #tags: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** The first unit behind the lists; blocks lie at multiples of their size from here. */
  readonly #first: number;
  /** One past the last unit. */
  readonly #end: number;

  /** `stuck` is called when a thread does not give the lock back: then there is no room, and what is given back is lost. */
  constructor(buffer: SharedArrayBuffer, stuck?: () => void) {
    const units = buffer.byteLength / UNIT_BYTES;
    const list = (index: number) => new Int32Array(buffer, UNIT_BYTES + index * units * 4, units);
    this.buffer = buffer;
    this.bytes = Buffer.from(buffer);
    this.lock = new BriefLock(buffer, LOCK * 4, stuck);
    this.#words = new Int32Array(buffer, 0, UNIT_BYTES >> 2);
    this.#tags = list(0);
    this.#next = list(1);
    this.#previous = list(2);
    this.#first = 1 + Math.ceil((units * WORDS_A_UNIT * 4) / UNIT_BYTES);
    this.#end = units;
  }

  /** `size`: bytes in all; a multiple of 256. */
  static create(size: number): Arena {
    const arena = new Arena(new SharedArrayBuffer(size));
    arena.#cut(arena.#first, arena.#end, CLEAN);
    return arena;
  }

  /** How many bytes are in blocks that were not freed. */
  get used(): number {
    return Atomics.load(this.#words, USED) * UNIT_BYTES;
  }

  /** From how many bytes on what is kept for one client is too much now; 0: any number may be. Set by the acceptor. */
  get surplus(): number {
    return Atomics.load(this.#words, SURPLUS);
  }

  set surplus(bytes: number) {
    Atomics.store(this.#words, SURPLUS, bytes);
  }

  /** How many bytes there are for blocks. */
  get size(): number {
    return (this.#end - this.#first) * UNIT_BYTES;
  }

  /** Takes a block of at least `size` bytes for `thread`, which runs this; 0: there is none. */
  allocate(size: number, thread: number): Block {
    const index = sizeIndex(size);
    if (index >= SIZES) return 0;
    return this.lock.run(0, () => {
      const block = this.#mayTake(index) ? this.#take(index) : 0;
      if (block !== 0) this.#hand(block, index, thread);
      return block;
    });
  }

  /** Gives back a block. */
  free(block: Block): void {
    this.lock.run(undefined, () => this.#free(block));
  }

  /** Leaves `block` to the slot that names it from now on. */
  leave(block: Block): void {
    this.#tags[block] = this.#tag(block) | SLOT;
  }

  /** Takes `block` out of the slot that named it: it is `thread`'s. */
  claim(block: Block, thread: number): void {
    this.#tags[block] = (this.#tag(block) & ~SLOT) | thread;
  }

  /** Frees the blocks of `thread`, which is gone. */
  reclaim(thread: number): void {
    this.lock.run(undefined, () => {
      for (let block = this.#first; block < this.#end; block++) {
        const tag = this.#tag(block);
        if (tag > 0 && (tag & SLOT) === thread) this.#free(block);
      }
    });
  }

  /** Releases the lock if the thread with Node's number `id` has ended with it, and mends what that thread left half done. */
  releaseFor(id: number): boolean {
    if (this.lock.isOf(id)) this.#mend();
    return this.lock.releaseFor(id);
  }

  /**
   * Calls `discard` for the bytes of large free blocks that were in use: it may give their pages back to the system. Nobody
   * has them meanwhile, and the lock is free. Only for one thread.
   */
  clean(discard: (offset: number, length: number) => void): void {
    // From small to large: those that are joined come again.
    for (let index = CLEANED; index < SIZES; index++) {
      for (let block = this.#takeUsed(index); block !== 0; block = this.#takeUsed(index)) {
        discard(this.offset(block), UNIT_BYTES << index);
        this.lock.run(undefined, () => this.#free(block, CLEAN));
      }
    }
  }

  /** The first byte of `block` in `bytes`. */
  offset(block: Block): number {
    return block * UNIT_BYTES;
  }

  /** How many bytes `block`, which is in use, has. */
  capacityOf(block: Block): number {
    return UNIT_BYTES << ((this.#tag(block) >> 16) - 1);
  }

  /** How many bytes a block for `size` bytes has. */
  static capacity(size: number): number {
    return UNIT_BYTES << sizeIndex(size);
  }

  /** Whether a block of size `index` leaves the reserve to the small ones. */
  #mayTake(index: number): boolean {
    if (UNIT_BYTES << index <= RESERVE_FOR_BYTES) return true;
    const units = this.#end - this.#first;
    return (this.#words[USED] as number) + (1 << index) <= (units * 3) / 4;
  }

  /** Takes a free block off its list, or the first half of a larger one; 0: there is none. */
  #take(index: number): Block {
    let larger = index;
    while (larger < SIZES && this.#words[FREE + larger] === 0) larger++;
    if (larger === SIZES) return 0;
    const block = this.#words[FREE + larger] as number;
    const clean = cleanOf(this.#tag(block));
    this.#unlink(block, larger);
    for (; larger > index; larger--) this.#link(block + (1 << (larger - 1)), larger - 1, clean);
    return block;
  }

  /** Takes a free block of size `index` that is not clean; 0: there is none. */
  #takeUsed(index: number): Block {
    return this.lock.run(0, () => {
      let block = this.#words[FREE + index] as number;
      while (block !== 0 && cleanOf(this.#tag(block)) !== 0) block = this.#next[block] as number;
      if (block !== 0) {
        this.#unlink(block, index);
        this.#hand(block, index, CLEANER);
      }
      return block;
    });
  }

  /** The tag is one store: whoever ends before it has taken nothing. */
  #hand(block: Block, index: number, thread: number): void {
    this.#tags[block] = ((index + 1) << 16) | thread;
    this.#count(1 << index);
  }

  /** `clean`: CLEAN, or 0. */
  #free(block: Block, clean = 0): void {
    let index = (this.#tag(block) >> 16) - 1;
    let [joined, isClean] = [block, clean];
    this.#tags[block] = 0;
    this.#count(-(1 << index));
    for (; index < SIZES - 1; index++) {
      const buddy = this.#buddy(joined, index);
      const tag = this.#tags[buddy] ?? 0;
      if (tag !== ~index && tag !== ~(index | CLEAN)) break;
      this.#unlink(buddy, index);
      isClean &= cleanOf(tag);
      joined = Math.min(joined, buddy);
    }
    this.#link(joined, index, isClean);
  }

  /** The other half of the block that `block` is a half of. */
  #buddy(block: Block, index: number): Block {
    return ((block - this.#first) ^ (1 << index)) + this.#first;
  }

  #count(units: number): void {
    this.#words[USED] = (this.#words[USED] as number) + units;
  }

  #tag(block: Block): number {
    return this.#tags[block] as number;
  }

  #link(block: Block, index: number, clean: number): void {
    const next = this.#words[FREE + index] as number;
    this.#tags[block] = ~(index | clean);
    this.#next[block] = next;
    this.#previous[block] = 0;
    if (next !== 0) this.#previous[next] = block;
    this.#words[FREE + index] = block;
  }

  #unlink(block: Block, index: number): void {
    const next = this.#next[block] as number;
    const previous = this.#previous[block] as number;
    this.#tags[block] = 0;
    if (next !== 0) this.#previous[next] = previous;
    if (previous !== 0) this.#next[previous] = next;
    else this.#words[FREE + index] = next;
  }

  /** Makes the units `[from, to)` free blocks, each as large as its place allows. */
  #cut(from: number, to: number, clean: number): void {
    for (let block = from; block < to; ) {
      let index = SIZES - 1;
      while (((block - this.#first) & ((1 << index) - 1)) !== 0 || block + (1 << index) > to) index--;
      this.#link(block, index, clean);
      block += 1 << index;
    }
  }

  /** Makes the lists and the count anew: all that is in no block in use is free. */
  #mend(): void {
    this.#words.fill(0, FREE, FREE + SIZES);
    this.#words[USED] = 0;
    let free = this.#first;
    for (let unit = free; unit <= this.#end; ) {
      const tag = unit < this.#end ? this.#tag(unit) : 0;
      if (tag > 0 || unit === this.#end) this.#cut(free, unit, 0);
      else this.#tags[unit] = 0;
      const units = tag > 0 ? 1 << ((tag >> 16) - 1) : 1;
      unit += units;
      if (tag <= 0) continue;
      this.#count(units);
      free = unit;
    }
  }
}

/** CLEAN or 0, of the tag of a free block. */
function cleanOf(tag: number): number {
  return ~tag & CLEAN;
}

function sizeIndex(size: number): number {
  return size <= UNIT_BYTES ? 0 : 32 - Math.clz32(size - 1) - SMALLEST;
}
