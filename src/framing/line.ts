/** Takes messages that go up to a line feed; a carriage return right before it goes with it. The last line may have none. */
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
import type { FindByte } from './search.ts';

const LF = 10;
const CR = 13;

/** What ends a line that is sent. One that is received may end with either. */
export type LineEnding = 'lf' | 'crlf';

export class LineFraming implements Framing {
  readonly name = 'line';
  readonly overhead: 1 | 2;
  readonly endCompletes: boolean;
  readonly #limit: number;
  readonly #find: FindByte;

  constructor(ending: LineEnding, atEnd: AtEnd, maxMessageLength: number, find: FindByte) {
    this.overhead = ending === 'crlf' ? 2 : 1;
    this.endCompletes = atEnd === 'message';
    this.#limit = maxMessageLength;
    this.#find = find;
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const lastStop = from + this.#limit + 2;
    const stop = to < lastStop ? to : lastStop;
    const feed = this.#find(bytes, LF, from + frame.scanned, stop);
    if (feed === -1) return this.#noFeed(bytes, from, stop, frame);
    const end = feed > from && bytes[feed - 1] === CR ? feed - 1 : feed;
    return end - from > this.#limit ? tooLong(frame, this.#limit) : found(frame, from, end, feed + 1);
  }

  #noFeed(bytes: Buffer, from: number, stop: number, frame: Frame): FrameStatus {
    const surplus = stop - from - this.#limit;
    const mayEnd = surplus <= 0 || (surplus === 1 && bytes[stop - 1] === CR);
    return mayEnd ? incomplete(frame, stop - from) : tooLong(frame, this.#limit);
  }

  finish(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    if (from === to || !this.endCompletes) return leftOver(frame, to - from);
    const end = bytes[to - 1] === CR ? to - 1 : to;
    return end - from > this.#limit ? tooLong(frame, this.#limit) : found(frame, from, end, to);
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(target: Buffer, at: number): number {
    const size = this.overhead;
    if (size === 2) target[at] = CR;
    target[at + size - 1] = LF;
    return size;
  }
}
