import { expect, it } from 'vitest';
import { SlotAllocator } from '../../src/net/slot-allocator.ts';
import { ConnectionTable, type Generation } from '../../src/sharing/connection-table.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';

/** A table of `capacity` slots that clients come to and leave. */
class Clients {
  readonly table: ConnectionTable;
  readonly here = new Map<number, Generation>();
  readonly #slots: SlotAllocator;

  constructor(capacity: number) {
    this.table = ConnectionTable.create(capacity);
    this.#slots = new SlotAllocator(this.table);
  }

  come(count = 1): number[] {
    return Array.from({ length: count }, () => {
      const slot = this.#slots.find(() => this.here.size);
      if (slot < this.table.capacity) this.here.set(slot, this.table.admit(slot, 0, 1, new Uint8Array(16), 0, 0));
      return slot;
    });
  }

  leave(...slots: number[]): void {
    for (const slot of slots) {
      this.table.free(slot, this.here.get(slot) as Generation, withoutKernel);
      this.here.delete(slot);
    }
  }
}

it('gives each client a slot of its own', () => {
  expect(new Clients(8).come(5)).toEqual([0, 1, 2, 3, 4]);
});

it('uses slots again that are free, so that the table in use stays small', () => {
  const clients = new Clients(1000);
  clients.come(8);
  for (let round = 0; round < 100; round++) {
    const oldest = [...clients.here.keys()].slice(0, 4);
    clients.leave(...oldest);
    clients.come(4);
    expect(clients.here.size).toBe(8);
  }
  expect(clients.table.size).toBeLessThanOrEqual(16);
});

it('finds the last free slot of a table that is full but for it, and says so when it is full', () => {
  const clients = new Clients(8);
  expect(clients.come(9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  clients.leave(5);
  expect(clients.come(2)).toEqual([5, 8]);
});
