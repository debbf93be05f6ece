/** Pins clients that cannot change threads: the state of a TLS connection belongs to its thread. */
import { ConnectionTable, type Generation } from '../sharing/connection-table.ts';

/** A table in which connections are PINNED where they would be at IDLE: no thread but their own can take or move them. */
export class PinnedTable extends ConnectionTable {
  override idle(fd: number, generation: Generation): void {
    this.pin(fd, generation);
  }

  override take(fd: number, generation: Generation): boolean {
    return this.isPinned(fd, generation) || super.take(fd, generation);
  }
}
