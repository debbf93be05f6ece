/** Sends a long message from where it lies, in the service's memory, without a copy of it. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import type { Framing } from '../../framing/frame.ts';
import { byteLengthOf, byteOffsetOf, memoryOf } from '../../sys/typed-array.ts';

/**
 * Bytes of the service that wait to be sent. A promise of `send` settles only when none of its bytes are lent any more: until then the
 * service must not change them. Bytes that were detached or shrunk all the same have a length of 0.
 */
export class LentBytes extends Uint8Array<ArrayBufferLike> {}

/** Lends the memory of `message`. */
export function lend(message: Uint8Array): LentBytes {
  return new LentBytes(memoryOf(message), byteOffsetOf(message), byteLengthOf(message));
}

/** So many bytes go with what frames the message, as a copy: alone, a line feed would be a packet of its own. */
const EDGE = 8 * 1024;

/** Gives a message of at least two `EDGE`s in its frame, in parts of which some may be empty; the middle one is lent. Without a frame, all is. */
export function lendReply(framing: Framing, message: Uint8Array): readonly Uint8Array[] {
  const body = lend(message);
  if (framing.overhead === 0) return [body];
  const { length } = body;
  const head = Buffer.allocUnsafe(framing.overhead + EDGE);
  const prefix = framing.writePrefix(length, head, 0);
  const room = framing.overhead - prefix; // As much as the suffix may take.
  const from = prefix > 0 ? EDGE : 0;
  const to = room > 0 ? length - EDGE : length;
  head.set(body.subarray(0, from), prefix);
  const tail = Buffer.allocUnsafe(length - to + room);
  tail.set(body.subarray(to));
  const suffix = room > 0 ? framing.writeSuffix(tail, length - to) : 0;
  return [head.subarray(0, prefix + from), body.subarray(from, to), tail.subarray(0, length - to + suffix)];
}
