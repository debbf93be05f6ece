/** Ends the server's side of a connection, or all of it, when the service asks for that. */
import type { CloseReason } from '../../sharing/close-reason.ts';
import { SHUT_WR } from '../../sys/constants.ts';
import { ensureStack } from '../../sys/stack-room.ts';
import { CALLED, CLOSED, ENDS_OUTPUT, FINISHING, NO_OUTPUT, OUTPUT_ENDED, SECURING } from '../flags.ts';
import type { Output } from '../output.ts';
import type { SocketCalls } from '../sockets.ts';
import type { CalledConnection } from './take-slot.ts';

/** A connection that its service ends. */
interface EndedByService extends CalledConnection {
  readonly fd: number;
  readonly output: Output;
  readonly tlsStart: { begin(): void } | undefined;
  set(flags: number): void;
  unset(flags: number): void;
  finish(reason: CloseReason, detail?: string): void;
  cutOff(reason: CloseReason, detail: string): void;
  sendFailed(errno: number): void;
}

/** Makes sure that this thread has the slot; false: there is nothing to end. */
function hold(connection: EndedByService): boolean {
  ensureStack();
  return !connection.is(CLOSED) && connection.lease.take();
}

/** `client.reset`. */
export function resetClient(connection: EndedByService): void {
  if (!hold(connection)) return;
  const isCalled = connection.is(CALLED);
  connection.set(CALLED);
  connection.cutOff(connection.ending?.reason ?? 'server-finished', 'the service has reset the connection');
  if (!isCalled) connection.unset(CALLED);
}

/** `client.end`. */
export function endOutput(connection: EndedByService): void {
  if (!hold(connection)) return;
  if (!connection.is(FINISHING | NO_OUTPUT)) {
    connection.output.close();
    connection.set(ENDS_OUTPUT);
  }
  connection.flushSoon();
}

/** `client.close`. */
export function closeClient(connection: EndedByService): void {
  if (connection.is(FINISHING) || !hold(connection)) return;
  connection.finish('server-finished');
  connection.flushSoon();
}

/** All is sent: what was to be done then comes next. */
export function allSent(connection: EndedByService, sys: Pick<SocketCalls, 'shutdown'>): void {
  if (connection.is(FINISHING)) connection.ending?.shutDown();
  else if (connection.is(SECURING)) connection.tlsStart?.begin();
  else sendEnd(connection, sys);
}

/** All is sent that came before `client.end`: tells the client. */
function sendEnd(connection: EndedByService, sys: Pick<SocketCalls, 'shutdown'>): void {
  const result = sys.shutdown(connection.fd, SHUT_WR);
  connection.unset(ENDS_OUTPUT);
  connection.set(OUTPUT_ENDED);
  if (result < 0) connection.sendFailed(result);
}
