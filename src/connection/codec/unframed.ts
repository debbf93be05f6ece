/** Reads and sends bytes of a session without its framing: pieces, bytes up to a mark, long bodies. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import { inspect } from 'node:util';
import type { HeddleError } from '../../errors.ts';
import { DelimiterFraming } from '../../framing/delimiter.ts';
import type { Framing } from '../../framing/frame.ts';
import { PiecesFraming } from '../../framing/pieces.ts';
import { findByte } from '../../framing/search.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { type ReceiveOptions, type WaitLimits, waitLimits } from '../asked/receive-within.ts';
import type { ReadMessage } from '../bytes/read-message.ts';
import { ENDED } from '../flags.ts';
import type { Strategy } from '../strategy.ts';
import type { Codec } from './codec.ts';

/** A piece is at most this long: what one read takes. */
const MAX_PIECE_BYTES = 64 * 1024;

/** Pieces outlive the turn in which they come. */
const copied: ReadMessage = (bytes, { start, end }) => {
  const piece = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(piece, 0, start, end);
  return piece;
};

function codecOf(framing: Framing): Codec {
  return { name: undefined, mode: 0, framing, readMessage: copied, lends: undefined, readsAhead: false };
}

const AS_THEY_ARE = codecOf(new PiecesFraming(MAX_PIECE_BYTES));

interface Limits {
  readonly settings: { readonly maxMessageLength: number };
}

interface UnframedConnection {
  codec: Codec;
  is(flags: number): boolean;
  finish(reason: CloseReason, detail?: string): void;
  closedError(): HeddleError;
}

/** `client.read`. */
export function readPiece(
  strategy: Strategy,
  limits: Limits,
  most = MAX_PIECE_BYTES,
  options?: ReceiveOptions,
): Promise<Buffer | undefined> {
  if (!isCount(most) || most === 0) throw notCount('read(most): most', 1, most);
  return readUpTo(strategy, limits, most, false, options && waitLimits('read', 'bytes', options));
}

/** `client.readUntil`. */
export function readUntil(
  strategy: Strategy,
  { settings }: Limits,
  mark: string | Uint8Array,
  options?: ReceiveOptions,
): Promise<Buffer | undefined> {
  const isMark: boolean = typeof mark === 'string' || (mark as unknown) instanceof Uint8Array;
  if (!isMark || mark.length === 0)
    throw new TypeError(`readUntil(mark): mark must be text or bytes that are not empty, got ${inspect(mark)}`);
  const bytes = Uint8Array.from(Buffer.from(mark as Uint8Array));
  const framing = new DelimiterFraming(bytes, 'refuse', settings.maxMessageLength, findByte);
  const wait = options && waitLimits('readUntil', `mark ${inspect(mark)}`, options);
  return strategy.receiveAs(codecOf(framing), false, wait) as Promise<Buffer | undefined>;
}

/** `client.body`. */
export function readBody(
  connection: UnframedConnection,
  strategy: Strategy,
  limits: Limits,
  length: number,
  options?: ReceiveOptions,
): AsyncIterable<Buffer> {
  if (!isCount(length)) throw notCount('body(length): length', 0, length);
  return pieces(connection, strategy, limits, length, options && waitLimits('body', 'bytes', options));
}

async function* pieces(
  connection: UnframedConnection,
  strategy: Strategy,
  limits: Limits,
  length: number,
  wait: WaitLimits | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  let left = length;
  try {
    while (left > 0) {
      const piece = await readUpTo(strategy, limits, left, true, wait);
      if (piece === undefined) throw endedIn(connection, length, left);
      left -= piece.length;
      yield piece;
    }
  } finally {
    if (left > 0) strategy.skip(left);
  }
}

/** `client.sendAll`. */
export async function sendAll(
  connection: UnframedConnection,
  strategy: Strategy,
  all: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  for await (const piece of all) await sendAsItIs(connection, strategy, piece);
}

/** What is sent is framed, or not, in the call of `send`. */
function sendAsItIs(connection: UnframedConnection, strategy: Strategy, piece: unknown): Promise<void> {
  const { codec } = connection;
  connection.codec = AS_THEY_ARE;
  try {
    return strategy.send(piece);
  } finally {
    connection.codec = codec;
  }
}

function readUpTo(
  strategy: Strategy,
  { settings }: Limits,
  most: number,
  hurries: boolean,
  wait?: WaitLimits,
): Promise<Buffer | undefined> {
  const framing = new PiecesFraming(Math.min(most, MAX_PIECE_BYTES, settings.maxMessageLength));
  return strategy.receiveAs(codecOf(framing), hurries, wait) as Promise<Buffer | undefined>;
}

/** The client is closed for it: a session that lets the error through has made no mistake. */
function endedIn(connection: UnframedConnection, length: number, left: number): HeddleError {
  const where = `part-way through a body of ${length} bytes, ${left} before its end`;
  if (connection.is(ENDED)) connection.finish('bad-frame', `the input ended ${where}`);
  else connection.finish('shutdown', `the server left ${where}`);
  return connection.closedError();
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function notCount(what: string, from: number, value: unknown): RangeError {
  return new RangeError(`${what} must be an integer from ${from} on, got ${inspect(value)}`);
}
