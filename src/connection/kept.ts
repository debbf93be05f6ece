/** Used to keep bytes of one client from one turn to the next, in memory that moves with the client. */
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Luggage } from '../sharing/connection-table.ts';
import type { Store, Stores } from './store.ts';

/** Bytes `[start, end)` of a store, counted from its beginning; appended at the end, taken from the front. */
export class Kept {
  store: Store;
  start: number;
  end: number;
  /** How many bytes from the first on a decoder has looked at in vain; see `Frame.scanned`. */
  scanned = 0;
  readonly #stores: Stores;

  constructor(stores: Stores, store: Store, start = 0, end = 0) {
    this.#stores = stores;
    this.store = store;
    this.start = start;
    this.end = end;
  }

  /** Keeps a copy of `bytes[from, to)`, with `room` bytes to grow. */
  static copy(stores: Stores, bytes: Uint8Array, from: number, to: number, room = 0): Kept {
    const kept = new Kept(stores, stores.allocate(to - from + room));
    kept.append(bytes, from, to);
    return kept;
  }

  /** Finds what another thread has kept. */
  static open(stores: Stores, { block, capacity, start, end }: Luggage, scanned = 0): Kept {
    const kept = new Kept(stores, stores.open(block, capacity), start, end);
    kept.scanned = scanned;
    return kept;
  }

  /** What to write down for the thread that serves the client next; `undefined`: it cannot move. */
  get luggage(): Luggage | undefined {
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
    const store = grow ? this.#stores.allocate(length + Math.max(room, length)) : old;
    old.memory.bytes.copy(store.memory.bytes, store.offset, this.from, this.to);
    this.store = store;
    this.start = 0;
    this.end = length;
    if (grow) this.#stores.free(old);
  }

  /** Replaces all that is kept with `bytes[from, to)`. */
  replace(bytes: Uint8Array, from: number, to: number): void {
    this.start = 0;
    this.end = 0;
    this.append(bytes, from, to);
  }

  /** Gives the memory back. Only for whoever has the connection's slot. */
  free(): void {
    this.#stores.free(this.store);
  }
}
