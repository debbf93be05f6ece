/** Finds a free slot of the connection table for a client of the net engine: Node's sockets have no number that others could use. */
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { FREE, stateOf } from '../sharing/control-word.ts';

/** With more of the slots in use than this share, a new one is sooner found than a free one. */
const CROWDED = 0.75;

export class SlotAllocator {
  readonly #table: ConnectionTable;
  /** Where the search goes on. */
  #next = 0;

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  /**
   * Finds a free slot; the table's capacity if there is none. `clients` tells how many are in use. Low numbers are used
   * again, since whoever looks at all clients looks at all slots up to the highest.
   */
  find(clients: () => number): number {
    const { capacity, size } = this.#table;
    const found = this.#searchTo(size);
    if (found !== undefined) return found;
    if (size < capacity && clients() >= size * CROWDED) return size;
    this.#next = 0;
    return this.#searchTo(size) ?? size;
  }

  #searchTo(end: number): number | undefined {
    while (this.#next < end) {
      const slot = this.#next++;
      if (stateOf(this.#table.word(slot)) === FREE) return slot;
    }
    return undefined;
  }
}
