/** Takes what is left of a client's input when the client will send no more: a last message, nothing, or part of a message. */
import { type FrameStatus, INCOMPLETE, MESSAGE } from '../../framing/frame.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import type { ThreadContext } from '../context.ts';
import { CLOSED, FINISHING } from '../flags.ts';
import type { Input } from '../input.ts';
import type { Lease } from '../lease.ts';
import type { Strategy } from '../strategy.ts';

/** A connection whose input has ended. */
interface EndedConnection {
  readonly fd: number;
  readonly input: Input;
  readonly lease: Lease;
  is(flags: number): boolean;
  finish(reason: CloseReason, detail?: string): void;
  refuseFrame(status: FrameStatus): void;
}

/** Delivers the last message, if there is one, and tells the service that no other follows. */
export function takeLastMessage(connection: EndedConnection, strategy: Strategy, context: ThreadContext): void {
  if (connection.is(FINISHING)) return;
  const { frame, reader } = context;
  const { framing } = strategy.codec;
  const { fd, input, lease } = connection;
  const status = input.rest() ? framing.finish(reader.bytes, reader.from, reader.to, frame) : INCOMPLETE;
  const isCut = status === MESSAGE && framing.endCompletes && context.isCutShort(fd);
  if (status === MESSAGE && !isCut && !strategy.deliverLast(reader.bytes)) return lease.messageDone();
  if (connection.is(CLOSED)) return;
  input.drop();
  lease.messageDone();
  if (isCut)
    return connection.finish('tls-error', 'it ended without close_notify: its last message may be a part of one');
  if (status !== INCOMPLETE && status !== MESSAGE) return connection.refuseFrame(status);
  strategy.inputEnded();
}
