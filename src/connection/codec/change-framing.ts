/** Gives a client another framing of its service. */
import type { ConnectionTable } from '../../sharing/connection-table.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { KEEPS_FRAMING, REFRAMED } from '../flags.ts';
import type { Input } from '../input.ts';
import { type CalledConnection, takeSlot } from '../asked/take-slot.ts';
import { type Codec, codecFor, type Codecs } from './codec.ts';

/*
 * The framing is a word of the slot, which only the thread that has the client writes: it moves with the client as saved bytes do.
 * What has arrived is looked at anew. A framing that keeps a state with its clients begins with a new one.
 */

/** A connection whose framing can change. */
export interface ReframedConnection extends CalledConnection {
  readonly fd: number;
  readonly input: Input;
  codec: Codec;
  set(flags: number): void;
  finish(reason: CloseReason, detail?: string): void;
}

interface FramingContext {
  readonly codecs: Codecs;
  readonly table: ConnectionTable;
}

/**
 * Reads the next message, and writes replies from now on, with the framing called `name`.
 *
 * Errors: `HEDDLE_INVALID_OPTION` if there is none, `HEDDLE_CLOSED` if the client has moved.
 */
export function changeFraming(connection: ReframedConnection, context: FramingContext, name: unknown): void {
  const codec = context.codecs.named(name);
  if (!takeSlot(connection)) return;
  context.table.setMode(connection.fd, codec.mode); // Also where it is the first one: new code may have another there.
  if (codec.mode === connection.codec.mode) return;
  connection.codec = codecFor(codec, undefined);
  if (codec.framing.forClient !== undefined) connection.set(KEEPS_FRAMING);
  connection.input.scanAnew();
  if (connection.input.isTaken) return;
  connection.set(REFRAMED); // It may have whole messages now, and nobody may be looking at them.
  connection.flushSoon();
}

/** Closes a client whose framing the service of this thread does not have: one had, before a reload or a take-over. */
export function checkFraming(connection: ReframedConnection, { codecs, table }: FramingContext): void {
  if (codecs.ofMode(table.mode(connection.fd)) !== undefined) return;
  connection.lease.begin();
  connection.finish('service-error', 'the service no longer has the framing that it set for this client');
}
