/** Takes messages between marks: a start, if there is one, and one of several ends. */
import {
  type AtEnd,
  bad,
  type Frame,
  type FrameStatus,
  type Framing,
  found,
  incomplete,
  leftOver,
  skipped,
  tooLong,
} from './frame.ts';
import { type FindByte, findBytes } from './search.ts';

/** What is made of bytes before a start mark: an error, or nothing. */
export type Outside = 'refuse' | 'skip';

export interface Marks {
  /** May be empty: a message begins where the last one ended. */
  readonly start: Uint8Array;
  /** At least one, none of them empty. */
  readonly ends: readonly Uint8Array[];
  readonly outside: Outside;
  readonly atEnd: AtEnd;
}

/** The first bytes in which all end marks are looked for; then four times as many. So one that is rare costs little beside one that is not. */
const FIRST_WINDOW_BYTES = 256;

export class MarksFraming implements Framing {
  readonly name = 'delimiter';
  readonly overhead: number;
  readonly endCompletes: boolean;
  readonly #start: Uint8Array;
  readonly #ends: readonly Uint8Array[];
  readonly #longestEnd: number;
  readonly #skips: boolean;
  readonly #limit: number;
  readonly #find: FindByte;
  /** How many bytes the end mark has that `#findEnd` found last. */
  #endSize = 0;

  /** Keeps `marks`, which must not change any more. */
  constructor({ start, ends, outside, atEnd }: Marks, maxMessageLength: number, find: FindByte) {
    this.#start = start;
    this.#ends = ends;
    this.#longestEnd = Math.max(...ends.map(({ length }) => length));
    this.#skips = outside === 'skip';
    this.endCompletes = atEnd === 'message';
    this.#limit = maxMessageLength;
    this.#find = find;
    // Replies end with the first mark: with several, no reply lies in a frame of its client, so no frame is of this length.
    this.overhead = start.length + this.#longestEnd + (ends.length > 1 ? 1 : 0);
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const body = from + this.#start.length;
    const given = this.#matchStart(bytes, from, to);
    if (given < to - from && given < this.#start.length) return this.#outside(bytes, from, to, frame);
    if (body > to) return incomplete(frame, 0);
    const lastStop = body + this.#limit + this.#longestEnd;
    const stop = to < lastStop ? to : lastStop;
    const end = this.#findEnd(bytes, Math.max(body, from + frame.scanned), stop);
    if (end !== -1) {
      return end - body > this.#limit ? tooLong(frame, this.#limit) : found(frame, body, end, end + this.#endSize);
    }
    if (stop === lastStop) return tooLong(frame, this.#limit);
    // The last bytes may begin an end mark.
    return incomplete(frame, Math.max(0, stop - from - this.#longestEnd + 1));
  }

  /** How many bytes of the start mark are at `from`. */
  #matchStart(bytes: Buffer, from: number, to: number): number {
    const start = this.#start;
    const most = Math.min(start.length, to - from);
    for (let index = 0; index < most; index++) if (bytes[from + index] !== start[index]) return index;
    return most;
  }

  /** The bytes at `from` are no start mark. */
  #outside(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    if (!this.#skips) return bad(frame, 'a message does not begin with the start mark of the framing');
    const start = findBytes(this.#find, bytes, this.#start, from + 1, to);
    if (start !== -1) return skipped(frame, start);
    // The last bytes may begin a start mark.
    for (let at = Math.max(from + 1, to - this.#start.length + 1); at < to; at++) {
      if (this.#matchStart(bytes, at, to) === to - at) return skipped(frame, at);
    }
    return skipped(frame, to);
  }

  /** Gives where the end mark begins that ends first in `bytes[from, to)`, the longest of those that end there; or -1. */
  #findEnd(bytes: Buffer, from: number, to: number): number {
    const overlap = this.#longestEnd - 1;
    for (let at = from, size = FIRST_WINDOW_BYTES; at < to; at += size, size *= 4) {
      const end = this.#findEndIn(bytes, Math.max(from, at - overlap), Math.min(to, at + size));
      if (end !== -1) return end;
    }
    return -1;
  }

  #findEndIn(bytes: Buffer, from: number, to: number): number {
    let start = -1;
    let stop = to;
    for (const end of this.#ends) {
      const at = findBytes(this.#find, bytes, end, from, stop);
      if (at === -1 || (start !== -1 && at + end.length === stop && at > start)) continue;
      start = at;
      stop = at + end.length;
      this.#endSize = end.length;
    }
    return start;
  }

  finish(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const body = from + this.#start.length;
    if (this.#skips && this.#matchStart(bytes, from, to) < this.#start.length) return incomplete(frame, 0);
    if (from === to || body > to || !this.endCompletes) return leftOver(frame, to - from);
    return to - body > this.#limit ? tooLong(frame, this.#limit) : found(frame, body, to, to);
  }

  writePrefix(_length: number, target: Buffer, at: number): number {
    target.set(this.#start, at);
    return this.#start.length;
  }

  writeSuffix(target: Buffer, at: number): number {
    const [end] = this.#ends as [Uint8Array];
    target.set(end, at);
    return end.length;
  }
}
