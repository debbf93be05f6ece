/** Lets a user say what a message is. */
import { inspect } from 'node:util';
import { HeddleError } from '../errors.ts';
import { bad, type Frame, type FrameStatus, type Framing, found, incomplete, leftOver, tooLong } from './frame.ts';

/** A framing of your own. It keeps nothing about a client: one serves all clients of a thread. */
export interface CustomFraming<Message = unknown, Reply = unknown> {
  /**
   * Takes the first message from `bytes`: gives it and the length of its frame in bytes, or `undefined` while the message is
   * incomplete. Throws when the bytes are no message: the client is closed with `bad-frame` and the error's text.
   * `bytes` is valid during the call only: copy (`bytes.slice(…)`) what the message keeps of it.
   */
  decode(bytes: Uint8Array): { message: Message; length: number } | undefined;
  /** Gives all bytes that are sent for `reply`. */
  encode(reply: Reply): Uint8Array;
}

/** Not a Buffer, whose `slice` would be a view that changes with the next read; nor shared memory, which TextDecoder refuses. */
function viewOf(bytes: Buffer, from: number, to: number): Uint8Array {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);
  return bytes.buffer instanceof SharedArrayBuffer ? view.slice() : view;
}

export class OwnFraming implements Framing {
  readonly name = 'custom';
  readonly overhead = 0;
  readonly endCompletes = false;
  readonly #own: CustomFraming;
  readonly #limit: number;

  constructor(own: CustomFraming, maxMessageLength: number) {
    this.#own = own;
    this.#limit = maxMessageLength;
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    if (from === to) return incomplete(frame, 0);
    try {
      const decoded: unknown = this.#own.decode(viewOf(bytes, from, to));
      return this.#judge(decoded, from, to, frame);
    } catch (error) {
      return bad(frame, error instanceof Error ? error.message : inspect(error));
    }
  }

  #judge(decoded: unknown, from: number, to: number, frame: Frame): FrameStatus {
    const available = to - from;
    if (decoded === undefined) {
      return available > this.#limit ? tooLong(frame, this.#limit) : incomplete(frame, available);
    }
    if (typeof decoded !== 'object' || decoded === null || !('length' in decoded) || !('message' in decoded)) {
      return bad(frame, `framing.decode must return { message, length } or undefined, got ${inspect(decoded)}`);
    }
    const { message, length } = decoded;
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 1 || length > available) {
      const mistake = `framing.decode must return a length that is an integer from 1 to ${available}, the bytes it was given`;
      return bad(frame, `${mistake}; got ${inspect(length)}`);
    }
    if (message === undefined) return bad(frame, 'framing.decode must return a message that is not undefined');
    if (length > this.#limit) return tooLong(frame, this.#limit);
    const status = found(frame, from, from + length, from + length);
    frame.message = message;
    return status;
  }

  finish(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return leftOver(frame, to - from);
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(): number {
    return 0;
  }

  encode(reply: unknown): Uint8Array {
    const bytes: unknown = this.#own.encode(reply);
    if (bytes instanceof Uint8Array) return bytes;
    throw new HeddleError('HEDDLE_SERVICE_ERROR', `framing.encode must return a Uint8Array, got ${inspect(bytes)}`);
  }
}
