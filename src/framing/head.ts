/** Takes messages of a head, which ends with a mark and says the length of the body, and that body. */
import { inspect } from 'node:util';
import {
  bad,
  type Frame,
  type FrameStatus,
  type Framing,
  found,
  incomplete,
  isWaiting,
  leftOver,
  tooLong,
  waiting,
} from './frame.ts';
import { type FindByte, findBytes } from './search.ts';

/**
 * A head, up to a blank line, and a body. A message is the whole frame, head and all, and so is a reply.
 *
 * @example
 * { head: '\r\n\r\n', length: (head) => Number(/^Content-Length: *(\d+)/im.exec(head)?.[1]) } // the Language Server Protocol
 */
export interface HeadFraming {
  /** What ends the head: text (its UTF-8 bytes) or bytes, such as `'\r\n\r\n'`. */
  readonly head: string | Uint8Array;
  /**
   * Gives the length of the body, in bytes, of a head: its text, a character for each byte (latin1), with its end. Called once or
   * twice for each message. Anything but an integer from 0 on, and an error that it throws, closes the client with `bad-frame`.
   */
  readonly length: (head: string) => number;
}

export class HeadThenBodyFraming implements Framing {
  readonly name = 'head';
  readonly overhead = 0;
  readonly endCompletes = false;
  readonly #mark: Uint8Array;
  readonly #length: (head: string) => unknown;
  readonly #limit: number;
  readonly #find: FindByte;

  /** Keeps `mark`, which must not be empty nor change any more. */
  constructor(mark: Uint8Array, length: (head: string) => unknown, maxMessageLength: number, find: FindByte) {
    this.#mark = mark;
    this.#length = length;
    this.#limit = maxMessageLength;
    this.#find = find;
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    if (isWaiting(frame, to - from)) return waiting(frame, -frame.scanned);
    const size = this.#mark.length;
    const stop = Math.min(to, from + this.#limit);
    const mark = findBytes(this.#find, bytes, this.#mark, from + Math.max(0, frame.scanned), stop);
    if (mark !== -1) return this.#body(bytes, from, mark + size, to, frame);
    return to - from >= this.#limit
      ? tooLong(frame, this.#limit)
      : incomplete(frame, Math.max(0, stop - from - size + 1));
  }

  #body(bytes: Buffer, from: number, body: number, to: number, frame: Frame): FrameStatus {
    let length: unknown;
    try {
      length = this.#length(bytes.toString('latin1', from, body));
    } catch (error) {
      return bad(frame, error instanceof Error ? error.message : inspect(error));
    }
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0) {
      return bad(
        frame,
        `the head of a message says no length: framing.length must return an integer from 0 on, got ${inspect(length)}`,
      );
    }
    const end = body + length;
    if (end - from > this.#limit) return tooLong(frame, this.#limit);
    return end > to ? waiting(frame, end - from) : found(frame, from, end, end);
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
}
