/** Ends clients that have let a deadline pass, unless the kernel knows that they have not. */
import type { Deadlines } from '../../sharing/deadlines.ts';
import { EPOLLIN, EPOLLOUT } from '../../sys/constants.ts';
import type { ThreadContext } from '../context.ts';
import { BLOCKED } from '../flags.ts';
import { type Settling, surplusText } from '../settle.ts';
import type { SocketCalls } from '../sockets.ts';
import { type FailingConnection, sayLastWords } from './failures.ts';
import { unreadText } from './linger.ts';

/** What is wrong with the bytes of a client that takes too long. */
const SLOW = 'the message was not complete in time (messageTimeout)';

/** A connection whose client may be late. */
interface LateConnection extends Settling, FailingConnection {
  /** How many bytes the client has yet to take. */
  readonly unsent: number;
}

/** Asks the kernel for events of a client that its thread may have been late to hear of. */
export function missedEvents(connection: LateConnection, sys: Pick<SocketCalls, 'unread'>): number {
  return (connection.is(BLOCKED) ? EPOLLOUT : 0) | (sys.unread(connection.fd) > 0 ? EPOLLIN : 0);
}

/**
 * Ends the connection if a deadline has passed at `now`, a `sharedTime`; returns whether one has. What the client has yet to take of
 * its replies it gets, but if it does not read, and the last words of its framing. The first reason counts, with the same exception.
 */
export function endIfLate(
  connection: LateConnection,
  context: ThreadContext,
  deadlines: Deadlines,
  now: number,
): boolean {
  const { ending, output } = connection;
  const reason = deadlines.expired(connection.fd, now);
  if (reason === undefined || (reason === 'idle-timeout' && output.hasTaken(connection.unsent))) return false;
  if (reason === 'over-limit') connection.cutOff(reason, surplusText(connection));
  else if (reason === 'send-timeout') connection.cutOff(reason, unreadText(output.length));
  else if (reason === 'kicked') connection.closeNow(reason);
  else if (reason === 'message-timeout' && sayLastWords(connection, context, reason, SLOW)) connection.finish(reason);
  else if (connection.unsent === 0) connection.closeNow(ending?.reason ?? reason, ending?.detail);
  else connection.finish(reason);
  return true;
}
