/** Takes messages that follow their length, a big-endian number of 1, 2 or 4 bytes. */
import { HeddleError } from '../errors.ts';
import { type Frame, type FrameStatus, type Framing, found, incomplete, leftOver, tooLong } from './frame.ts';

export type LengthSize = 1 | 2 | 4;

export class LengthFraming implements Framing {
  readonly name = 'length';
  readonly overhead: LengthSize;
  readonly endCompletes = false;
  readonly #limit: number;

  constructor(size: LengthSize, maxMessageLength: number) {
    this.overhead = size;
    this.#limit = maxMessageLength;
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const start = from + this.overhead;
    if (start > to) return incomplete(frame, 0);
    let length = 0;
    // Multiplied, not shifted: 32 bits would come out negative.
    for (let at = from; at < start; at++) length = length * 256 + (bytes[at] as number);
    if (length > this.#limit) return tooLong(frame, this.#limit);
    const end = start + length;
    return end > to ? incomplete(frame, to - from, end - from) : found(frame, start, end, end);
  }

  finish(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return leftOver(frame, to - from);
  }

  writePrefix(length: number, target: Buffer, at: number): number {
    const size = this.overhead;
    if (length >= 256 ** size) throw tooLongFor(size, length);
    if (size === 4) target.writeUInt32BE(length, at);
    else if (size === 2) target.writeUInt16BE(length, at);
    else target[at] = length;
    return size;
  }

  writeSuffix(): number {
    return 0;
  }
}

function tooLongFor(size: LengthSize, length: number): HeddleError {
  const wider = size === 4 ? '' : ', or use a wider length field';
  return new HeddleError(
    'HEDDLE_MESSAGE_TOO_LONG',
    `A message of ${length} bytes does not fit framing length:${size}, which can say at most ${256 ** size - 1}: send less${wider}`,
  );
}
