/** Takes messages whose length a field of their frame says: its place, width, and what it counts are the protocol's. */
import { HeddleError } from '../errors.ts';
import { bad, type Frame, type FrameStatus, type Framing, found, leftOver, incomplete, tooLong } from './frame.ts';
import { type Field, fieldOf, type FieldSize, UNFINISHED } from './field.ts';

/**
 * Where the length field of a frame is, and what it says.
 *
 * @example
 * { length: { at: 4, size: 2, message: 'frame' } } // Modbus TCP
 * { length: { at: 1, size: 'varint', message: 'frame' } } // MQTT
 * { length: { at: 1, size: 4, counts: 'frame', add: 1, message: 'frame' } } // PostgreSQL, after the startup packet
 */
export interface LengthField {
  /**
   * Where the field begins, in bytes from the beginning of the frame.
   * @default 0
   */
  readonly at?: number | undefined;
  /**
   * How many bytes the field takes. `'varint'`: base 128, the least significant group first, as in Protobuf and MQTT, in at most 4
   * bytes, or as many as given.
   */
  readonly size: FieldSize;
  /** @default 'big' */
  readonly endian?: 'big' | 'little' | undefined;
  /**
   * What the length counts: the bytes after the field, or the whole frame.
   * @default 'rest'
   */
  readonly counts?: 'rest' | 'frame' | undefined;
  /**
   * Added to what the field says, in bytes: 4 for a checksum behind the body that the field does not count.
   * @default 0
   */
  readonly add?: number | undefined;
  /**
   * What a message is: the bytes after the field, or the whole frame. With `'body'`, `at` is 0 and replies get the same field; with
   * `'frame'`, replies are whole frames too.
   * @default 'body' if `at` is 0, else 'frame'
   */
  readonly message?: 'body' | 'frame' | undefined;
}

export class LengthFieldFraming implements Framing {
  readonly name = 'length';
  readonly overhead: number;
  readonly endCompletes = false;
  readonly #field: Field;
  readonly #at: number;
  readonly #add: number;
  readonly #countsFrame: boolean;
  readonly #isFrame: boolean;
  readonly #limit: number;

  /** Keeps what `spec`, which was checked, says. */
  constructor(spec: LengthField, maxMessageLength: number) {
    const { at = 0, size, endian = 'big', counts = 'rest', add = 0, message = at === 0 ? 'body' : 'frame' } = spec;
    this.#field = fieldOf(size, endian);
    this.#at = at;
    this.#add = add;
    this.#countsFrame = counts === 'frame';
    this.#isFrame = message === 'frame';
    this.overhead = this.#isFrame ? 0 : this.#field.most;
    this.#limit = maxMessageLength;
  }

  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const field = this.#field;
    const at = from + this.#at;
    const said = field.read(bytes, at, to);
    if (said < 0) return this.#noLength(said, frame);
    const body = at + field.width;
    const end = (this.#countsFrame ? from : body) + said + this.#add;
    if (end < body) return this.#negative(said, frame);
    const start = this.#isFrame ? from : body;
    if (end - start > this.#limit) return tooLong(frame, this.#limit);
    return end > to ? incomplete(frame, to - from, end - from) : found(frame, start, end, end);
  }

  #noLength(said: number, frame: Frame): FrameStatus {
    if (said === UNFINISHED) return incomplete(frame, 0);
    return bad(frame, `a length field (varint) does not end within ${this.#field.most} bytes`);
  }

  #negative(said: number, frame: Frame): FrameStatus {
    return bad(frame, `a length field says ${said}, which ends the frame before the end of the field`);
  }

  finish(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return leftOver(frame, to - from);
  }

  writePrefix(length: number, target: Buffer, at: number): number {
    if (this.#isFrame) return 0;
    const says = length - this.#add;
    const written = this.#field.write(says, this.#countsFrame, target, at);
    if (written === 0) throw this.#unsayable(length, says);
    return written;
  }

  writeSuffix(): number {
    return 0;
  }

  #unsayable(length: number, says: number): HeddleError {
    const problem = `A message of ${length} bytes does not fit the length field of its framing`;
    if (says < 0) return new HeddleError('HEDDLE_BAD_FRAME', `${problem}, which adds ${this.#add}: send more`);
    return new HeddleError('HEDDLE_MESSAGE_TOO_LONG', `${problem}: send less, or use a wider field`);
  }
}
