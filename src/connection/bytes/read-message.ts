/** Makes a message for the service out of the bytes that a decoder marked. */
import { Buffer, isUtf8 } from 'node:buffer'; // The global is an accessor, which costs at each message.
import type { Frame, Framing } from '../../framing/frame.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { Service } from '../service.ts';

/** Gives the message of `frame`, a part of `bytes`; `undefined`: these bytes are none, they are not valid UTF-8. */
export type ReadMessage = (bytes: Buffer, frame: Frame) => unknown;

/** Messages longer than this get memory of their own, not a part of Node's pool. */
const POOLED_BYTES = 2048;

/** Whether messages are views of the thread's memory, valid during one call. */
export function borrows(service: Service, framing: Framing): boolean {
  return (service.borrow ?? false) !== false && service.encoding !== 'utf8' && framing.encode === undefined;
}

/**
 * Chooses how messages are made for `service`. Most lie in `memory`, the thread's read buffer. A long one was put together in the
 * arena, whose memory is shared: not what a service expects of a Buffer. One that is borrowed is copied from there to `aside`.
 */
export function readMessageFor(service: Service, framing: Framing, memory: NativeBuffer, aside: Buffer): ReadMessage {
  if (framing.encode !== undefined) return (_bytes, frame) => frame.message;
  // A view is valid during one call only, so one can serve all messages that have its place in the buffer.
  const { bytes: input, views } = memory;
  if (borrows(service, framing)) {
    return (bytes, frame) => (bytes === input ? views.of(frame.start, frame.end) : putAside(aside, bytes, frame));
  }
  const view = (bytes: Buffer, { start, end }: Frame): Buffer =>
    bytes === input ? views.of(start, end) : bytes.subarray(start, end);
  return service.encoding === 'utf8'
    ? (bytes, frame) => decodeText(view(bytes, frame))
    : (bytes, frame) => copy(view(bytes, frame));
}

function putAside(aside: Buffer, bytes: Buffer, { start, end }: Frame): Buffer {
  const message = bytes.subarray(start, end);
  if (message.length > aside.length) return copy(message);
  aside.set(message);
  return aside.subarray(0, message.length);
}

function decodeText(message: Buffer): string | undefined {
  return isUtf8(message) ? message.toString('utf8') : undefined;
}

/** From a view that is there, 64 bytes are copied in 45 ns; `Buffer.copy` makes one each time, and takes 100. */
function copy(view: Buffer): Buffer {
  const { length } = view;
  const message = length < POOLED_BYTES ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
  message.set(view);
  return message;
}
