/** Has who looks at all slots of the connection table pay for it: with 100,000 clients that takes a while. */
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import type { SimKernel } from './kernel.ts';

/** To look at one slot, in ms: it is in no cache. */
const SLOT_MS = 0.000004;

export class CostedTable extends ConnectionTable {
  readonly #kernel: SimKernel;

  constructor(capacity: number, kernel: SimKernel) {
    super(ConnectionTable.create(capacity).buffer);
    this.#kernel = kernel;
  }

  override walk(thread: number, from: number, visit: (fd: number, word: number) => boolean): number {
    const end = super.walk(thread, from, visit);
    this.#kernel.bill += (end - from) * SLOT_MS;
    return end;
  }

  override listIdle(thread: number, from: number, fds: Int32Array, since?: number): number {
    const count = super.listIdle(thread, from, fds, since);
    const end = count < fds.length ? this.size : (fds[count - 1] as number) + 1;
    this.#kernel.bill += (end - from) * SLOT_MS;
    return count;
  }
}
