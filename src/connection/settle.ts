/** Leaves a client until its next event: what epoll then watches, and what is saved with its slot. */
import {
  ENDED as ENDED_FLAG,
  OUTPUT_OVER,
  type SavedBytes,
  WORK_LEFT as WORK_LEFT_FLAG,
} from '../sharing/connection-table.ts';
import { isExpensive } from '../sharing/client-kind.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { EPOLLOUT } from '../sys/constants.ts';
import type { Codec } from './codec/codec.ts';
import type { CalledBack, ThreadContext } from './context.ts';
import {
  BLOCKED,
  DRAINING,
  ENDED,
  ENDS_OUTPUT,
  FINISHING,
  GIVING_WAY,
  KEEPS_FRAMING,
  LINGERING,
  NO_IDLE_TIMEOUT,
  OUTPUT_ENDED,
  OVER_RATE,
  SERVING,
  SIGNALS,
  TAKES_NO_INPUT,
  WAITS_FOR_TURN,
  WATCHED_FOR_ROOM,
  WORK_LEFT,
  YIELDING,
} from './flags.ts';
import { idleInterest, interestFor } from './interest.ts';
import { type Keeping, keptFor, noteKept } from './kept.ts';
import type { Lease } from './lease.ts';
import { type FramedConnection, keepFraming } from './state/client-state.ts';

/** A connection that settles. */
export interface Settling extends CalledBack, Omit<Keeping, 'kept'>, FramedConnection {
  readonly lease: Lease;
  is(flags: number): boolean;
  set(flags: number): void;
  unset(flags: number): void;
  closeNow(reason: CloseReason, detail?: string): void;
  /** The service has made a mistake: the client is told what was sent, and closed. */
  serviceFailed(error: unknown): void;
  flushSoon(): void;
  /** Closes at once; what waits in the kernel is dropped. */
  cutOff(reason: CloseReason, detail: string): void;
}

/** Gives up a connection that has flags or keeps something, or whose thread does; after most messages neither is so. */
export function settle(connection: Settling, context: ThreadContext): void {
  const { input, lease } = connection;
  if (connection.is(NO_IDLE_TIMEOUT) || waitsLong(connection)) lease.stopIdling();
  if (connection.is(BLOCKED | WATCHED_FOR_ROOM | GIVING_WAY) || input.isUnread) watch(connection, context);
  const excess = excessText(connection, context);
  if (excess !== undefined) return connection.cutOff('over-limit', excess);
  // Besides bytes, this thread keeps something of its own: a handler, a session, an ending of one side or both, a drain.
  const keepsMore = connection.is(SERVING | FINISHING | DRAINING | ENDS_OUTPUT) || waitsOutOfTurn(connection, context);
  const moves = !keepsMore && saveFraming(connection, context) && save(connection);
  noteKept(connection);
  if (moves && connection.is(SIGNALS)) context.signals.forget(connection);
  if (moves) return becomeIdle(connection);
  lease.pin();
  if (connection.is(YIELDING) && !keepsMore) context.goOnSoon(connection); // What is left of its work is done here.
}

/** Begins the turn for which the rest of what the client has sent has waited, and maybe the client for room to send. */
export function takeTurn(connection: Settling): void {
  connection.unset(WAITS_FOR_TURN);
  if (!connection.is(BLOCKED)) connection.lease.writeFlowing();
}

/** Gives up a connection for which this thread keeps nothing. */
export function becomeIdle(connection: Settling): void {
  if (!connection.lease.idle()) connection.closeNow('over-limit', 'the kernel has no room to watch it');
}

/** Says why a client is cut off for which most is kept, while more is kept for all than may be. */
export function surplusText(connection: Settling): string {
  return `${keptFor(connection)} bytes are kept for it, and for all clients more than may be (maxMemory)`;
}

/** Has the socket watched anew if it has to be: what it is ready for now is reported, whether it was before or not. */
function watch(connection: Settling, { poller }: ThreadContext): void {
  const { fd, input, lease, output } = connection;
  const { isBlocked } = output;
  const givesWay = connection.is(GIVING_WAY); // Its next turn begins with an event: there nearly always is room to send.
  const isNew = isBlocked !== connection.is(WATCHED_FOR_ROOM);
  if (isNew && isBlocked) connection.set(WATCHED_FOR_ROOM);
  else if (isNew) connection.unset(WATCHED_FOR_ROOM);
  // Without room for its event, who gives way waits for the client, too. Who came here with work left is watched for room already.
  if (isBlocked ? isNew : givesWay) lease.writeStalled();
  else if (isBlocked) lease.writeBlocked();
  else if (isNew) lease.writeFlowing();
  if (isBlocked || isNew) lease.noteUnsent(output.length);
  if (!isNew && !givesWay && (!input.isUnread || !readsOn(connection))) return;
  poller.modify(fd, interestFor(isBlocked || givesWay), fd, lease.generation);
}

/** Whether what is there to read may be read, and is left for the sake of others. */
function readsOn(connection: Settling): boolean {
  return connection.is(LINGERING) || !connection.is(TAKES_NO_INPUT | ENDED);
}

/** Leaves with the slot what the framing has to know of the client; false: it cannot move. */
function saveFraming(connection: Settling, context: ThreadContext): boolean {
  if (!connection.is(KEEPS_FRAMING)) return true;
  try {
    return keepFraming(connection, context);
  } catch (error) {
    connection.serviceFailed(error);
    connection.flushSoon();
    return false;
  }
}

/** Leaves with the slot what is kept for the client; false: not all of it can move. */
function save(connection: Settling): boolean {
  const { input, lease, output } = connection;
  const ends = (connection.is(ENDED) ? ENDED_FLAG : 0) | (connection.is(OUTPUT_ENDED) ? OUTPUT_OVER : 0);
  if (input.isTaken && output.isSent && ends === 0) return true;
  if (output.isAwaited) return false;
  const [inbox, outbox] = [input.saved, output.spill()];
  if ((!input.isTaken && inbox === undefined) || (!output.isSent && outbox === undefined)) return false;
  const flags = ends | (hasWorkLeft(connection) ? WORK_LEFT_FLAG : 0);
  lease.save(inbox, input.scanned, outbox, flags);
  return true;
}

/** The flags of a connection that moves here: what `save` has left with the slot, as `flags` of the slot and `outbox`. */
export function savedFlags(flags: number, outbox: SavedBytes | undefined, { framing }: Pick<Codec, 'framing'>): number {
  return (
    (framing.forClient === undefined ? 0 : KEEPS_FRAMING) |
    ((flags & ENDED_FLAG) === 0 ? 0 : ENDED) |
    ((flags & WORK_LEFT_FLAG) === 0 ? 0 : WORK_LEFT) |
    ((flags & OUTPUT_OVER) === 0 ? 0 : OUTPUT_ENDED) |
    ((idleInterest(flags, outbox) & EPOLLOUT) === 0 ? 0 : WATCHED_FOR_ROOM)
  );
}

/** Whether an expensive client waits for its rate. In the waiting room it would be given turn after turn meanwhile. */
function waitsOutOfTurn(connection: Settling, { table }: ThreadContext): boolean {
  return connection.is(OVER_RATE) && isExpensive(table.kind(connection.fd));
}

/** Whether the client has sent more than its thread serves in this turn. */
function hasWorkLeft(connection: Settling): boolean {
  return connection.is(WAITS_FOR_TURN | OVER_RATE) && !connection.input.isTaken;
}

/** Whether it may be long until that is served. */
function waitsLong(connection: Settling): boolean {
  return connection.is(YIELDING | WORK_LEFT | OVER_RATE) && !connection.input.isTaken;
}

/** Says why a client is cut off for which more waits, or is kept, than may be; `undefined`: it is not. */
function excessText(connection: Settling, context: ThreadContext): string | undefined {
  const { output } = connection;
  const { maxUnsent } = context.settings;
  if (output.isBlocked && output.piledUp > maxUnsent) return `more than ${maxUnsent} bytes wait for it (maxUnsent)`;
  const kept = keptFor(connection);
  return kept > 0 && context.isSurplus(kept) ? surplusText(connection) : undefined;
}
