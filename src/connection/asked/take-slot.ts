/** Takes the slot of a client for a call of the service that may come from outside of an event: from a timer, say. */
import { ensureStack } from '../../sys/stack-room.ts';
import { type Ending, goneError } from '../end/ending.ts';
import { CLOSED } from '../flags.ts';
import type { Lease } from '../lease.ts';

/** A connection that its service calls. */
export interface CalledConnection {
  readonly lease: Lease;
  readonly ending: Ending | undefined;
  is(flags: number): boolean;
  flushSoon(): void;
}

/**
 * Makes sure that this thread has the slot until the running callbacks are done; false: the connection is closed.
 *
 * Errors: `HEDDLE_CLOSED` if the client is another thread's, or gone from it.
 */
export function takeSlot(connection: CalledConnection): boolean {
  ensureStack();
  if (connection.is(CLOSED)) return false;
  if (!connection.lease.isIdle) return true;
  if (!connection.lease.take()) throw goneError(connection);
  connection.flushSoon(); // It gives up the slot.
  return true;
}
