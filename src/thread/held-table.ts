/** Used for clients that cannot change threads: what a TLS connection knows is its thread's. */
import { ConnectionTable, type Ticket } from '../sharing/connection-table.ts';

/** A table in which connections are HELD where they would be at REST: no thread but their own can take or move them. */
export class HeldTable extends ConnectionTable {
  override rest(fd: number, ticket: Ticket): void {
    this.hold(fd, ticket);
  }

  override take(fd: number, ticket: Ticket): boolean {
    return this.holds(fd, ticket) || super.take(fd, ticket);
  }
}
