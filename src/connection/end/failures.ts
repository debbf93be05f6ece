/** Ends a connection when its client sends no message, its service throws, or its socket takes nothing any more. */
import { HeddleError } from '../../errors.ts';
import { BAD, type FrameStatus, type Refusal } from '../../framing/frame.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { EFAULT, errnoName } from '../../sys/errno.ts';
import type { SignallingConnection } from '../asked/client-signal.ts';
import { refused } from '../bytes/send-queue.ts';
import type { Codec } from '../codec/codec.ts';
import type { CalledBack, ThreadContext } from '../context.ts';
import { CLOSED, ENDED, GOING, NO_OUTPUT } from '../flags.ts';
import type { Output } from '../output.ts';
import { type Ending, goneError } from './ending.ts';

/** A connection that something goes wrong with. */
export interface FailingConnection extends CalledBack, SignallingConnection {
  readonly output: Output;
  readonly codec: Pick<Codec, 'framing'>;
  /** Why it ends, if it does. */
  readonly ending: Ending | undefined;
  is(flags: number): boolean;
  finish(reason: CloseReason, detail?: string): void;
  closeNow(reason: CloseReason, detail?: string): void;
  cutOff(reason: CloseReason, detail: string): void;
  closedError(): HeddleError;
}

/** Tells a client, if its framing has words for it, that what it has sent is no message, as the decoder found. */
export function refuseFrame(connection: FailingConnection, context: ThreadContext, status: FrameStatus): void {
  const { problem } = context.frame;
  const why = status === BAD ? 'bad-frame' : 'message-too-long';
  sayLastWords(connection, context, why, problem);
  connection.finish(why, problem);
}

/** Sends what the framing has to say to a client whose bytes are refused; false: nothing. */
export function sayLastWords(
  connection: FailingConnection,
  context: ThreadContext,
  why: Refusal,
  problem: string,
): boolean {
  const { framing } = connection.codec;
  try {
    const lastWords = framing.refuse?.(why, problem);
    if (lastWords === undefined || connection.is(NO_OUTPUT)) return false;
    connection.output.replyAsItIs(lastWords);
    return true;
  } catch (error) {
    serviceFailed(connection, context, error);
    return false;
  }
}

/** Reports what a service has thrown, unless it is the error that told the service of the end. */
export function serviceFailed(connection: FailingConnection, context: ThreadContext, error: unknown): void {
  if (connection.ending?.hasThrown(error)) return;
  if (context.signals.isReason(connection, error))
    return connection.finish(connection.is(ENDED | GOING) ? 'client-finished' : 'shutdown');
  context.serviceFailed(connection, error);
  connection.finish('service-error');
}

/** Ends a connection to which `send` has failed. What was to be sent is lost, whatever reason came before. */
export function sendFailed(connection: FailingConnection, context: ThreadContext, errno: number): void {
  if (errno === EFAULT) {
    context.serviceFailed(connection, lostBytes());
    return connection.cutOff('service-error', 'bytes that were to be sent are gone');
  }
  const { ending } = connection;
  const why = ending === undefined ? '' : `, while it was being closed for ${ending.reason}`;
  connection.closeNow('client-reset', `${errnoName(errno)}${why}`);
}

/** Says why nothing can be sent to the client. */
export function refuseSend(connection: FailingConnection): Promise<void> {
  return refused(connection.is(CLOSED) ? connection.closedError() : goneError(connection));
}

/** Bytes of the service that were to be sent are gone: half a message must not look like a whole one. */
function lostBytes(): HeddleError {
  const text =
    'Bytes that were given to client.send were detached or shrunk before they were sent: await send before you transfer or resize their memory';
  return new HeddleError('HEDDLE_SERVICE_ERROR', text);
}
