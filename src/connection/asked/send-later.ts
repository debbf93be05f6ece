/** Takes what a service sends, and sends it when the running callbacks are done. */
import { refused } from '../bytes/send-queue.ts';
import { refuseSend, type FailingConnection } from '../end/failures.ts';
import { CLOSED, FINISHING, NO_OUTPUT, SECURING } from '../flags.ts';
import type { Lease } from '../lease.ts';
import { outputEnded } from '../end/ending.ts';
import { sentEarly } from './start-tls.ts';

interface SendingConnection extends FailingConnection {
  readonly lease: Lease;
  flushSoon(): void;
  orRefused(sent: Promise<void>): Promise<void>;
}

/** `client.send`, where more may leave with the message, or has to leave before it. */
export function sendLater(connection: SendingConnection, message: unknown): Promise<void> {
  if (connection.is(FINISHING | CLOSED)) return refuseSend(connection);
  if (connection.is(SECURING)) return refused(sentEarly());
  if (connection.is(NO_OUTPUT)) return refused(outputEnded());
  if (!connection.lease.take()) return refuseSend(connection);
  connection.flushSoon(); // First: it gives up the slot, and what is no message throws.
  return connection.orRefused(connection.output.later(message));
}
