/** Leaves a client until its next event: what epoll then watches, and what is saved with its slot. */
import type { Poller } from '../reactor/poller.ts';
import { ENDED as ENDED_FLAG, WORK_LEFT as WORK_LEFT_FLAG } from '../sharing/connection-table.ts';
import { ENDED, WATCHED_FOR_ROOM, WORK_LEFT, YIELDING } from './flags.ts';
import type { Input } from './input.ts';
import { interestFor } from './interest.ts';
import type { Lease } from './lease.ts';
import type { Output } from './output.ts';

/** A connection that settles. */
export interface Settling {
  readonly fd: number;
  readonly input: Input;
  readonly output: Output;
  readonly lease: Lease;
  is(flags: number): boolean;
  set(flags: number): void;
  unset(flags: number): void;
}

/**
 * Has the socket watched anew if it has to be: what it is ready for now is reported, whether it was before or not. `reads`: what is
 * there to read may be read, and is left for the sake of others.
 */
export function watch(connection: Settling, poller: Pick<Poller, 'modify'>, reads: boolean): void {
  const { fd, input, lease, output } = connection;
  const { isBlocked } = output;
  if (isBlocked !== connection.is(WATCHED_FOR_ROOM)) {
    if (isBlocked) {
      connection.set(WATCHED_FOR_ROOM);
      lease.writeStalled();
    } else {
      connection.unset(WATCHED_FOR_ROOM);
      lease.writeFlowing();
    }
  } else if (!input.isUnread || !reads) return;
  poller.modify(fd, interestFor(isBlocked), fd, lease.generation);
}

/** Leaves with the slot what is kept for the client; false: not all of it can move. */
export function save(connection: Settling): boolean {
  const { input, lease, output } = connection;
  const isEnded = connection.is(ENDED);
  if (input.isTaken && output.isSent && !isEnded) return true;
  if (output.isAwaited) return false;
  const [inbox, outbox] = [input.saved, output.spill()];
  if ((!input.isTaken && inbox === undefined) || (!output.isSent && outbox === undefined)) return false;
  const flags = (isEnded ? ENDED_FLAG : 0) | (hasWorkLeft(connection) ? WORK_LEFT_FLAG : 0);
  lease.save(inbox, input.scanned, outbox, flags);
  return true;
}

/** Whether the client has sent more than its thread serves in this turn. */
export function hasWorkLeft(connection: Settling): boolean {
  return connection.is(YIELDING | WORK_LEFT) && !connection.input.isTaken;
}

/** Writes down how much is kept for the client, where that may have changed. */
export function noteKept(connection: Settling): void {
  const { input, lease, output } = connection;
  lease.noteKept(keptFor(connection), input.allocatedHere + output.allocatedHere);
}

/** The limits that a client is held to when it settles. */
interface Limits {
  readonly settings: { readonly maxUnsent: number };
  isSurplus(bytes: number): boolean;
}

/** Says why a client is cut off for which more waits, or is kept, than may be; `undefined`: it is not. */
export function excessText(connection: Settling, limits: Limits): string | undefined {
  const { output } = connection;
  const { maxUnsent } = limits.settings;
  if (output.isBlocked && output.piledUp > maxUnsent) return `more than ${maxUnsent} bytes wait for it (maxUnsent)`;
  const kept = keptFor(connection);
  return kept > 0 && limits.isSurplus(kept) ? surplusText(connection) : undefined;
}

/** Says why a client is cut off for which most is kept, while more is kept for all than may be. */
export function surplusText(connection: Settling): string {
  return `${keptFor(connection)} bytes are kept for it, and for all clients more than may be (maxMemory)`;
}

function keptFor({ input, output }: Settling): number {
  return input.allocated + output.allocated;
}
