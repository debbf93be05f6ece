/** Lets a user say what a message is. */
import { inspect } from 'node:util';
import { HeddleError } from '../errors.ts';
import {
  bad,
  type Frame,
  type FrameStatus,
  type Framing,
  found,
  INCOMPLETE,
  incomplete,
  isWaiting,
  leftOver,
  MESSAGE,
  type Refusal,
  SKIPPED,
  skipped,
  tooLong,
  waiting,
} from './frame.ts';

/** What `decode` of a framing of your own has found; `undefined`: the message is incomplete. */
export type Decoded<Message = unknown> =
  /** A message, and the length of its frame in bytes. Without a message, these bytes are skipped. */
  | { readonly message?: Message | undefined; readonly length: number; readonly need?: undefined }
  /** The message is incomplete, and its frame has at least so many bytes: `decode` is not called before they are there. */
  | { readonly need: number; readonly length?: undefined; readonly message?: undefined }
  | undefined;

/**
 * A framing of your own. One serves all clients of a thread: what it has to know of a client, such as a sequence number, is in the
 * client's `state`.
 */
// oxlint-disable-next-line typescript/no-explicit-any -- a framing of any state goes where none is named.
export interface CustomFraming<Message = unknown, Reply = unknown, State = any> {
  /**
   * Gives the state of a new client: an object that `decode` and `encode` change, of values that can be cloned. It moves with the client
   * and outlives its thread, a reload and a take-over; it may take `maxClientState` bytes. Without it, states are `undefined`.
   */
  state?(): State;
  /**
   * Takes the first message from `bytes`: gives it and the length of its frame in bytes, or `undefined` while the message is
   * incomplete; see `Decoded`. Throws when the bytes are no message: the client is closed with `bad-frame` and the error's text.
   * `bytes` is a plain Uint8Array, no Buffer. It is valid during the call only: copy (`bytes.slice(…)`) what the message keeps of it.
   *
   * `state`: the client's. Change it only for a call that gives a message, or skips bytes: others are repeated. `ended`: the client has finished, and `bytes` is all that is left: they are
   * one message, or an error.
   */
  readonly decode: (bytes: Uint8Array, state: State, ended: boolean) => Decoded<Message>;
  /** Gives all bytes that are sent for `reply`, in one piece or several. Without it, replies are bytes or text, sent as they are. */
  encode?(reply: Reply, state: State): Uint8Array | readonly Uint8Array[];
  /**
   * Gives the last words for a client whose bytes are refused, sent as they are before it is closed: what the protocol says to bytes that
   * are no message, too many, or too slow. `text` says what was wrong. On the server only.
   */
  refuse?(why: Refusal, text: string): Uint8Array | string | undefined;
}

/** Not a Buffer, whose `slice` would be a view that changes with the next read; nor shared memory, which TextDecoder refuses. */
function viewOf(bytes: Buffer, from: number, to: number): Uint8Array {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
  return bytes.buffer instanceof SharedArrayBuffer ? view.slice() : view;
}

export class OwnFraming implements Framing {
  readonly name = 'custom';
  readonly overhead = 0;
  /** Its `decode` may make a message of bytes that only the end completes. */
  readonly endCompletes = true;
  readonly refuse: Framing['refuse'];
  readonly forClient: Framing['forClient'];
  state: unknown;
  readonly #own: CustomFraming;
  readonly #limit: number;

  /** `state`: what is kept with the only client that it serves; `undefined`: nothing yet. */
  constructor(own: CustomFraming, maxMessageLength: number, state?: unknown) {
    this.#own = own;
    this.#limit = maxMessageLength;
    this.state = state;
    this.forClient = own.state === undefined ? undefined : (saved) => new OwnFraming(own, maxMessageLength, saved);
    this.refuse = own.refuse === undefined ? undefined : (why, text) => own.refuse?.(why, text);
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const available = to - from;
    if (available === 0) return incomplete(frame, 0);
    if (isWaiting(frame, available)) return waiting(frame, -frame.scanned);
    return this.#decode(bytes, from, to, frame, false);
  }

  #decode(bytes: Buffer, from: number, to: number, frame: Frame, ended: boolean): FrameStatus {
    try {
      const decoded: unknown = this.#own.decode(viewOf(bytes, from, to), this.#openState(), ended);
      return this.#judge(decoded, from, to, frame);
    } catch (error) {
      return bad(frame, error instanceof Error ? error.message : inspect(error));
    }
  }

  /** The state of the client, which begins with its first message. */
  #openState(): unknown {
    return (this.state ??= this.#own.state?.());
  }

  #judge(decoded: unknown, from: number, to: number, frame: Frame): FrameStatus {
    const available = to - from;
    if (decoded === undefined) {
      return available > this.#limit ? tooLong(frame, this.#limit) : incomplete(frame, 0);
    }
    if (typeof decoded === 'object' && decoded !== null) {
      if ('need' in decoded && decoded.need !== undefined) return this.#need(decoded.need, available, frame);
      if ('length' in decoded) return this.#frame(decoded.length, decoded, from, available, frame);
    }
    return bad(frame, `framing.decode must return { message, length }, { need } or undefined, got ${inspect(decoded)}`);
  }

  #need(need: unknown, available: number, frame: Frame): FrameStatus {
    if (typeof need !== 'number' || !Number.isInteger(need) || need <= available) {
      const mistake = `framing.decode must need more than ${available}, the bytes it was given, as an integer`;
      return bad(frame, `${mistake}; got ${inspect(need)}`);
    }
    return need > this.#limit ? tooLong(frame, this.#limit) : waiting(frame, need);
  }

  #frame(length: unknown, decoded: object, from: number, available: number, frame: Frame): FrameStatus {
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 1 || length > available) {
      const mistake = `framing.decode must return a length that is an integer from 1 to ${available}, the bytes it was given`;
      return bad(frame, `${mistake}; got ${inspect(length)}`);
    }
    const message = 'message' in decoded ? decoded.message : undefined;
    if (message === undefined) return skipped(frame, from + length);
    if (length > this.#limit) return tooLong(frame, this.#limit);
    const status = found(frame, from, from + length, from + length);
    frame.message = message;
    return status;
  }

  /** Asks `decode` once more, now that the client has finished: what is left is skipped, is one message, or is an error. */
  finish(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    let status: FrameStatus = INCOMPLETE;
    for (let at = from; at < to; at = frame.next) {
      status = this.#decode(bytes, at, to, frame, true);
      if (status === INCOMPLETE) return leftOver(frame, to - at);
      if (status !== SKIPPED) break;
    }
    if (status === INCOMPLETE || status === SKIPPED) return incomplete(frame, 0);
    if (status !== MESSAGE || frame.next === to) return status;
    return bad(frame, `framing.decode has left ${to - frame.next} bytes of a client that has finished`);
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(): number {
    return 0;
  }

  encode(reply: unknown): Uint8Array | string {
    const own = this.#own;
    if (own.encode === undefined) return asTheyAre(reply);
    const bytes: unknown = own.encode(reply, this.#openState());
    if (bytes instanceof Uint8Array) return bytes;
    if (Array.isArray(bytes) && bytes.every((piece) => piece instanceof Uint8Array)) return Buffer.concat(bytes);
    throw new HeddleError(
      'HEDDLE_SERVICE_ERROR',
      `framing.encode must return a Uint8Array, or an array of them, got ${inspect(bytes)}`,
    );
  }
}

function asTheyAre(reply: unknown): Uint8Array | string {
  if (typeof reply === 'string' || reply instanceof Uint8Array) return reply;
  const text = `a framing without encode sends bytes (a Uint8Array) and text only, got ${inspect(reply)}`;
  throw new HeddleError('HEDDLE_SERVICE_ERROR', text);
}
