/** Used to get memory for the bytes that are kept for one client: in the arena, where all threads find it, if it has room. */
import { Arena, type Block } from '../sharing/arena.ts';
import type { Luggage } from '../sharing/connection-table.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Sys } from '../sys/sys.ts';

/** A piece of memory: `memory.bytes[offset, offset + capacity)`. */
export interface Store {
  readonly memory: NativeBuffer;
  readonly offset: number;
  readonly capacity: number;
  /** Its block of the arena; 0 if it is this thread's own memory, so that the connection cannot move. */
  readonly block: Block;
}

/** Makes stores on one thread. */
export class Stores {
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

  allocate(size: number): Store {
    const block = this.#arena.allocate(size, this.#thread);
    if (block !== 0) return this.open(block, Arena.capacity(size));
    return { memory: this.#sys.allocate(size), offset: 0, capacity: size, block: 0 };
  }

  /** Finds the memory of a block that another thread has filled. */
  open(block: Block, capacity: number): Store {
    return { memory: this.#memory, offset: this.#arena.offset(block), capacity, block };
  }

  /** Leaves what lies in `luggage` to the slot that names it next: it outlives this thread. */
  leave(luggage: Luggage | undefined): void {
    if (luggage !== undefined) this.#arena.leave(luggage.block);
  }

  /** Takes over what lies in `luggage`, which no slot names any more. */
  claim(luggage: Luggage | undefined): void {
    if (luggage !== undefined) this.#arena.claim(luggage.block, this.#thread);
  }

  free(store: Store): void {
    if (store.block !== 0) this.#arena.free(store.block);
  }
}
