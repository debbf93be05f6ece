/** Used to leave with a client at rest what is kept for it, and to take it back: `docs/protocol.md`, rule 7. */
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { Kept } from './kept.ts';
import type { Output } from './output.ts';
import type { Stores } from './store.ts';

interface Owner {
  readonly table: ConnectionTable;
  readonly stores: Stores;
}

/** Leaves with the slot what is kept; false: not all of it can move. `flags`: what the slot says of the client besides. */
export function pack(
  owner: Owner,
  fd: number,
  kept: Kept | undefined,
  output: Output | undefined,
  flags: number,
): boolean {
  const { stores, table } = owner;
  const inbox = kept?.luggage;
  const outbox = output?.stow();
  if (kept !== undefined && inbox === undefined) return false;
  if (output?.isEmpty === false && outbox === undefined) return false;
  stores.leave(inbox);
  stores.leave(outbox);
  table.pack(fd, inbox, kept?.scanned ?? 0, outbox);
  table.setFlags(fd, flags);
  return true;
}

/** Takes from the slot what is kept: from now on its memory is this thread's to change. */
export function unpack({ stores, table }: Owner, fd: number): void {
  const [inbox, outbox] = [table.inbox(fd), table.outbox(fd)];
  table.pack(fd, undefined, 0, undefined);
  stores.claim(inbox);
  stores.claim(outbox);
}
