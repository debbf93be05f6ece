/** Takes a message of those that were read before, for a service that goes on at once: without a turn of its client. */
import { type Frame, MESSAGE } from '../../framing/frame.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import type { MessagesAhead } from '../bytes/messages-ahead.ts';
import type { Codec } from '../codec/codec.ts';
import { BLOCKED, CLOSED, DRAINING, FINISHING, OVER_RATE, REFRAMED, SECURING, WAITS_FOR_TURN } from '../flags.ts';
import { type Keeping, noteKept } from '../kept.ts';

/** Any of these, and there is more to do than to take a message. */
const NEEDS_TURN = BLOCKED | FINISHING | CLOSED | WAITS_FOR_TURN | SECURING | DRAINING | REFRAMED | OVER_RATE;

interface KeepingConnection extends Keeping {
  readonly fd: number;
  is(flags: number): boolean;
}

interface TakingContext {
  readonly frame: Frame;
  readonly row: ThreadRow;
}

/** `ahead`: what was read of it ahead. `undefined`: a turn of the client has to look for the message. */
export function takeKept(
  connection: KeepingConnection,
  codec: Codec,
  ahead: MessagesAhead | undefined,
  context: TakingContext,
): unknown {
  const { input } = connection;
  if (input.isTaken || connection.is(NEEDS_TURN)) return undefined;
  const known = ahead?.take(codec);
  const message = known === undefined ? find(connection, codec, context) : known;
  if (message === undefined) return undefined;
  context.row.beat(connection.fd);
  input.take(known === undefined ? context.frame.next - input.keptFrom : (ahead as MessagesAhead).lastLength);
  if (input.isTaken) noteKept(connection);
  return message;
}

function find(connection: KeepingConnection, codec: Codec, { frame }: TakingContext): unknown {
  const { input } = connection;
  if (input.findKept(codec.framing, frame) !== MESSAGE) return undefined;
  // A decoder of the service's own may have ended the client.
  return connection.is(NEEDS_TURN) ? undefined : codec.readMessage(input.keptBytes, frame);
}
