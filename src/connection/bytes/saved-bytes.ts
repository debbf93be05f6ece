/** Keeps bytes of one client between turns: in the arena, where they move with the client, or in the thread's own memory. */
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { SavedBytes } from '../../sharing/connection-table.ts';
import { Arena, type Block } from '../../sharing/arena.ts';
import type { Sys } from '../../sys/sys.ts';

/** Bytes `[start, end)` of a store, counted from its beginning; appended at the end, taken from the front. */
export class SharedBuffer {
  store: MemoryBlock;
  start: number;
  end: number;
  /** How many bytes from the first on a decoder has looked at in vain; see `Frame.scanned`. */
  scanned = 0;
  readonly #blocks: MemoryBlocks;

  constructor(blocks: MemoryBlocks, store: MemoryBlock, start = 0, end = 0) {
    this.#blocks = blocks;
    this.store = store;
    this.start = start;
    this.end = end;
  }

  /** Keeps a copy of `bytes[from, to)`, with `room` bytes to grow. */
  static copy(blocks: MemoryBlocks, bytes: Uint8Array, from: number, to: number, room = 0): SharedBuffer {
    const kept = new SharedBuffer(blocks, blocks.allocate(to - from + room));
    kept.append(bytes, from, to);
    return kept;
  }

  /** Finds what another thread has kept. */
  static open(blocks: MemoryBlocks, { block, capacity, start, end }: SavedBytes, scanned = 0): SharedBuffer {
    const kept = new SharedBuffer(blocks, blocks.open(block, capacity), start, end);
    kept.scanned = scanned;
    return kept;
  }

  /** What to write down for the thread that serves the client next; `undefined`: it cannot move. */
  get saved(): SavedBytes | undefined {
    const { block, capacity } = this.store;
    return block === 0 ? undefined : { block, capacity, start: this.start, end: this.end };
  }

  get length(): number {
    return this.end - this.start;
  }

  get memory(): NativeBuffer {
    return this.store.memory;
  }

  /** The first kept byte, as an index of `memory.bytes`. */
  get from(): number {
    return this.store.offset + this.start;
  }

  /** One past the last kept byte, as an index of `memory.bytes`. */
  get to(): number {
    return this.store.offset + this.end;
  }

  /** How many bytes can be read in behind the last one. */
  get room(): number {
    return this.store.capacity - this.end;
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    if (this.room < to - from) this.reserve(to - from);
    this.memory.bytes.set(bytes.subarray(from, to), this.to);
    this.end += to - from;
  }

  /** Makes room for `room` more bytes: at the front, or in a store of at least twice what is kept. */
  reserve(room: number): void {
    const { length } = this;
    const old = this.store;
    const grow = old.capacity < length + room;
    if (!grow && this.start === 0) return;
    const store = grow ? this.#blocks.allocate(length + Math.max(room, length)) : old;
    old.memory.bytes.copy(store.memory.bytes, store.offset, this.from, this.to);
    this.store = store;
    this.start = 0;
    this.end = length;
    if (grow) this.#blocks.free(old);
  }

  /** Replaces all that is kept with `bytes[from, to)`. */
  replace(bytes: Uint8Array, from: number, to: number): void {
    this.start = 0;
    this.end = 0;
    this.append(bytes, from, to);
  }

  /** Gives the memory back. Only for whoever has the connection's slot. */
  free(): void {
    this.#blocks.free(this.store);
  }
}

/** A piece of memory: `memory.bytes[offset, offset + capacity)`. */
interface MemoryBlock {
  readonly memory: NativeBuffer;
  readonly offset: number;
  readonly capacity: number;
  /** Its block of the arena; 0 if it is this thread's own memory, so that the connection cannot move. */
  readonly block: Block;
}

/** Makes stores on one thread. */
export class MemoryBlocks {
  readonly #sys: Pick<Sys, 'allocate' | 'wrap'>;
  readonly #arena: Arena;
  readonly #memory: NativeBuffer;
  readonly #thread: number;

  constructor(sys: Pick<Sys, 'allocate' | 'wrap'>, arena: Arena, thread: number) {
    this.#sys = sys;
    this.#thread = thread;
    this.#arena = arena;
    this.#memory = sys.wrap(arena.bytes);
  }

  allocate(size: number): MemoryBlock {
    const block = this.#arena.allocate(size, this.#thread);
    if (block !== 0) return this.open(block, Arena.capacity(size));
    return { memory: this.#sys.allocate(size), offset: 0, capacity: size, block: 0 };
  }

  /** Finds the memory of a block that another thread has filled. */
  open(block: Block, capacity: number): MemoryBlock {
    return { memory: this.#memory, offset: this.#arena.offset(block), capacity, block };
  }

  /** Takes a block of `size` bytes that belongs to the slot which names it next; 0: the arena has no room. */
  allocateForSlot(size: number): Block {
    const block = this.#arena.allocate(size, this.#thread);
    if (block !== 0) this.#arena.leave(block);
    return block;
  }

  /** Where the bytes of `block` are. */
  locate(block: Block): { readonly bytes: Buffer; readonly at: number } {
    return { bytes: this.#arena.bytes, at: this.#arena.offset(block) };
  }

  /** How many bytes `block` has. */
  capacity(block: Block): number {
    return this.#arena.capacityOf(block);
  }

  freeBlock(block: Block): void {
    this.#arena.free(block);
  }

  /** Leaves what lies in `saved bytes` to the slot that names it next: it outlives this thread. */
  leave(saved: SavedBytes | undefined): void {
    if (saved !== undefined) this.#arena.leave(saved.block);
  }

  /** Takes over what lies in `saved bytes`, which no slot names any more. */
  claim(saved: SavedBytes | undefined): void {
    if (saved !== undefined) this.#arena.claim(saved.block, this.#thread);
  }

  free(store: MemoryBlock): void {
    if (store.block !== 0) this.#arena.free(store.block);
  }
}
