/** Used to know how many clients an address has, whoever closes them: nobody has to say so. */
import { isMapped } from '../ip-address.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { FREE, stateOf } from '../sharing/control-word.ts';

/**
 * Remembers which fds each address came with. A client that has left is noticed only when its address has no room, from
 * its free slot, or when its fd comes again: there is never more to remember than there were clients at once.
 */
export class ClientsPerAddress {
  readonly #table: ConnectionTable;
  readonly #most: number;
  readonly #keyOf = new Map<number, string>();
  readonly #fdsOf = new Map<string, Set<number>>();

  constructor(table: ConnectionTable, most: number) {
    this.#table = table;
    this.#most = most;
  }

  /** Tells whether `address`, 16 bytes, may have one client more. */
  hasRoom(address: Uint8Array): boolean {
    const fds = this.#fdsOf.get(keyOf(address));
    if (fds === undefined || fds.size < this.#most) return true;
    for (const fd of fds) if (stateOf(this.#table.word(fd)) === FREE) fds.delete(fd);
    return fds.size < this.#most;
  }

  /** Counts the client that was accepted as `fd`. */
  add(fd: number, address: Uint8Array): void {
    this.#forget(fd);
    const key = keyOf(address);
    const fds = this.#fdsOf.get(key) ?? new Set();
    this.#fdsOf.set(key, fds.add(fd));
    this.#keyOf.set(fd, key);
  }

  /** Whoever had `fd` before is gone, or it could not have come again. */
  #forget(fd: number): void {
    const key = this.#keyOf.get(fd);
    const fds = key === undefined ? undefined : this.#fdsOf.get(key);
    if (key === undefined || fds === undefined) return;
    fds.delete(fd);
    if (fds.size === 0) this.#fdsOf.delete(key);
  }
}

/** An IPv4 address counts for itself, one of IPv6 for its /64: that much one customer or one machine has at least. */
function keyOf(address: Uint8Array): string {
  return String.fromCharCode(...(isMapped(address) ? address.subarray(12) : address.subarray(0, 8)));
}
