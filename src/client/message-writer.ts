/** Turns a message into the bytes that are sent, and refuses one that the framing cannot carry. */

import { HeddleError, kindOf } from '../errors.ts';
import { Frame, type Framing, MESSAGE } from '../framing/frame.ts';
import { byteLengthOf } from '../sys/typed-array.ts';

/** Text is sent as UTF-8. */
export type Message = string | Uint8Array;

/** Gives the bytes of `message` in `framing`; what a framing of the user's own gives is sent as it is. Throws HEDDLE_BAD_FRAME, HEDDLE_MESSAGE_TOO_LONG, or a TypeError for what is neither text nor bytes. */
export function encodeMessage(message: unknown, framing: Framing): Buffer {
  if (framing.encode !== undefined) return Buffer.from(framing.encode(message));
  const body = bytesOf(message);
  const length = byteLengthOf(body);
  if (framing.overhead === 0 && length === 0) {
    throw new HeddleError(
      'HEDDLE_BAD_FRAME',
      `An empty message cannot be sent with framing ${framing.name}: it is no bytes at all`,
    );
  }
  const bytes = Buffer.allocUnsafe(framing.overhead + length);
  const start = framing.writePrefix(length, bytes, 0);
  bytes.set(body, start);
  const end = start + length + framing.writeSuffix(bytes, start + length);
  requireOneMessage(bytes, end, framing);
  return bytes.subarray(0, end);
}

function bytesOf(message: unknown): Uint8Array {
  if (typeof message === 'string') return Buffer.from(message);
  if (message instanceof Uint8Array) return message;
  throw new TypeError(`a message must be bytes (a Uint8Array) or a string, got ${kindOf(message)}`);
}

/** A line with a line ending in it would be two messages to the server, and later replies be taken for another's. */
function requireOneMessage(bytes: Buffer, end: number, framing: Framing): void {
  const frame = new Frame();
  if (framing.decode(bytes, 0, end, frame) === MESSAGE && frame.next < end) {
    const where = `this one does, behind byte ${frame.end - frame.start}`;
    const text = `A message for framing ${framing.name} must not contain what ends a message; ${where}`;
    throw new HeddleError('HEDDLE_BAD_FRAME', text);
  }
}
