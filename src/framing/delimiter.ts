/** Takes messages that go up to a given byte string. */
import {
  type AtEnd,
  type Frame,
  type FrameStatus,
  type Framing,
  found,
  incomplete,
  leftOver,
  tooLong,
} from './frame.ts';
import { type FindByte, findBytes } from './search.ts';

export class DelimiterFraming implements Framing {
  readonly name = 'delimiter';
  readonly overhead: number;
  readonly endCompletes: boolean;
  readonly #delimiter: Uint8Array;
  readonly #limit: number;
  readonly #find: FindByte;

  /** Keeps `delimiter`, which must not be empty nor change any more. */
  constructor(delimiter: Uint8Array, atEnd: AtEnd, maxMessageLength: number, find: FindByte) {
    this.#delimiter = delimiter;
    this.endCompletes = atEnd === 'message';
    this.overhead = delimiter.length;
    this.#limit = maxMessageLength;
    this.#find = find;
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const size = this.overhead;
    const lastStop = from + this.#limit + size;
    const stop = to < lastStop ? to : lastStop;
    const end = findBytes(this.#find, bytes, this.#delimiter, from + frame.scanned, stop);
    if (end !== -1) return found(frame, from, end, end + size);
    if (stop === lastStop) return tooLong(frame, this.#limit);
    // The last bytes may begin a delimiter.
    return incomplete(frame, Math.max(0, stop - from - size + 1));
  }

  finish(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    if (from === to || !this.endCompletes) return leftOver(frame, to - from);
    return to - from > this.#limit ? tooLong(frame, this.#limit) : found(frame, from, to, to);
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(target: Buffer, at: number): number {
    target.set(this.#delimiter, at);
    return this.overhead;
  }
}
