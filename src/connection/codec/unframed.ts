/** Reads and sends bytes of a session without its framing: pieces, bytes up to a mark, long bodies. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import { inspect } from 'node:util';
import type { HeddleError } from '../../errors.ts';
import { DelimiterFraming } from '../../framing/delimiter.ts';
import type { Framing } from '../../framing/frame.ts';
import { PiecesFraming } from '../../framing/pieces.ts';
import { findByte } from '../../framing/search.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { byteLengthOf } from '../../sys/typed-array.ts';
import { type ReceiveOptions, type WaitLimits, waitLimits } from '../asked/receive-within.ts';
import { lend } from '../bytes/lent-bytes.ts';
import type { ReadMessage } from '../bytes/read-message.ts';
import { ENDED } from '../flags.ts';
import type { Strategy } from '../strategy.ts';
import type { Codec } from './codec.ts';

/** A piece is at most this long: what one read takes. */
const MAX_PIECE_BYTES = 64 * 1024;

/** A longer piece goes out from where it lies. A shorter one costs less as a copy, which leaves with what is sent beside it. */
const COPY_LIMIT_BYTES = 16 * 1024;

/** Pieces outlive the turn in which they come. */
const copied: ReadMessage = (bytes, { start, end }) => {
  const piece = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(piece, 0, start, end);
  return piece;
};

/** Makes pieces that are all in the same memory, of `most` bytes: each of them is gone when the next one comes. */
function reused(most: number): ReadMessage {
  const memory = Buffer.allocUnsafeSlow(most);
  return (bytes, { start, end }) => {
    bytes.copy(memory, 0, start, end);
    return memory.subarray(0, end - start);
  };
}

function codecOf(framing: Framing, readMessage = copied): Codec {
  return { name: undefined, mode: 0, framing, readMessage, lends: undefined, readsAhead: false };
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
  const wait = options && waitLimits('read', 'bytes', options);
  const codec = codecOf(new PiecesFraming(pieceLength(limits, most)));
  return strategy.receiveAs(codec, false, wait) as Promise<Buffer | undefined>;
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
  const wait = options && waitLimits('body', 'bytes', options);
  return new Body((lends) => pieces(connection, strategy, { limits, length, wait, lends }));
}

type Pieces = AsyncGenerator<Buffer, void, undefined>;

/** Reads the pieces of a body once, whoever iterates over it, and however often. */
class Body implements AsyncIterable<Buffer> {
  readonly #read: (lends: boolean) => Pieces;
  #pieces: Pieces | undefined = undefined;

  constructor(read: (lends: boolean) => Pieces) {
    this.#read = read;
  }

  [Symbol.asyncIterator](): Pieces {
    return (this.#pieces ??= this.#read(false));
  }

  /** Gives pieces that are all in the same memory, unless somebody has begun to iterate over those that are not. */
  lent(): Pieces {
    return (this.#pieces ??= this.#read(true));
  }
}

interface BodyRead {
  readonly limits: Limits;
  readonly length: number;
  readonly wait: WaitLimits | undefined;
  /** Nobody needs a piece any more when the next one is asked for. */
  readonly lends: boolean;
}

async function* pieces(
  connection: UnframedConnection,
  strategy: Strategy,
  { limits, length, wait, lends }: BodyRead,
): Pieces {
  const readMessage = lends ? reused(pieceLength(limits, length)) : copied;
  let left = length;
  try {
    while (left > 0) {
      const codec = codecOf(new PiecesFraming(pieceLength(limits, left)), readMessage);
      const piece = (await strategy.receiveAs(codec, true, wait)) as Buffer | undefined;
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
  const source = all instanceof Body ? all.lent() : all;
  for await (const piece of source) await sendAsItIs(connection, strategy, piece);
}

/** What is sent is framed, or not, in the call of `send`. */
function sendAsItIs(connection: UnframedConnection, strategy: Strategy, piece: unknown): Promise<void> {
  const { codec } = connection;
  connection.codec = AS_THEY_ARE;
  try {
    const isLong = piece instanceof Uint8Array && byteLengthOf(piece) > COPY_LIMIT_BYTES;
    return isLong ? strategy.send(lend(piece), true) : strategy.send(piece);
  } finally {
    connection.codec = codec;
  }
}

/** How long the next piece may be, if `most` bytes are wanted. */
function pieceLength({ settings }: Limits, most: number): number {
  return Math.min(most, MAX_PIECE_BYTES, settings.maxMessageLength);
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
