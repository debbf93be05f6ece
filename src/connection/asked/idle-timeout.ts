/** Lets a service say how long one of its clients may be idle. */
import { inspect } from 'node:util';
import { HeddleError } from '../../errors.ts';
import { type Duration, MAX_DURATION_MS, parseDuration } from '../../options/values/duration.ts';
import { type CalledConnection, takeSlot } from './take-slot.ts';

/**
 * `client.idleTimeout`. It is in the slot, and so moves with the client.
 *
 * Errors: `HEDDLE_INVALID_OPTION`; `HEDDLE_CLOSED` if the client has moved.
 */
export function setIdleTimeout(
  connection: CalledConnection & { readonly fd: number },
  context: { mayIdle(fd: number, timeout: number): void },
  duration: Duration,
): void {
  const timeout = idleMilliseconds(duration);
  if (takeSlot(connection)) context.mayIdle(connection.fd, timeout);
}

/** No client is found to be idle for longer: the shared clock goes round. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** Errors: `HEDDLE_INVALID_OPTION`. */
export function idleMilliseconds(duration: Duration): number {
  const parsed = parseDuration(duration);
  if (parsed === Infinity || (parsed !== undefined && parsed > 0 && parsed <= MAX_DURATION_MS)) {
    return Math.min(Math.ceil(parsed), FOR_EVER_MS);
  }
  const text = `client.idleTimeout(duration): duration must be above 0, such as 90s, or never, got ${inspect(duration)}`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', text);
}
