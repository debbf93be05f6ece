/** Used to make a message for the service out of the bytes that a decoder marked. */
import { isUtf8 } from 'node:buffer';
import type { Frame, Framing } from '../framing/frame.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';
import type { Service } from './service.ts';

/** These bytes are no message: they are not valid UTF-8. */
export const INVALID = Symbol('invalid');

/** Gives the message of `frame`, a part of `bytes`, or INVALID. */
export type ReadMessage = (bytes: Buffer, frame: Frame) => unknown;

/** Views of the read buffer that are kept: making one costs 60 ns, as much as reversing 64 bytes. */
const KEPT_VIEWS = 2048;
/** The upper bits of a multiplicative hash (Knuth, volume 3, 6.4) are the good ones. */
const SLOT_SHIFT = 21;

/** Messages longer than this get memory of their own, not a part of Node's pool. */
const POOLED = 2048;

/** Whether messages are views of the read buffer, valid during one call. */
export function borrows(service: Service, framing: Framing): boolean {
  return service.borrow === true && service.encoding !== 'utf8' && framing.encode === undefined;
}

/** Chooses how messages are made for `service`; `input` is the thread's read buffer. */
export function readMessageFor(service: Service, framing: Framing, input: NativeBuffer): ReadMessage {
  if (framing.encode !== undefined) return (_bytes, frame) => frame.message;
  if (service.encoding === 'utf8') return readText;
  return borrows(service, framing) ? viewer(input.bytes) : copy;
}

function readText(bytes: Buffer, frame: Frame): string | typeof INVALID {
  const message = copy(bytes, frame);
  return isUtf8(message) ? message.toString('utf8') : INVALID;
}

function copy(bytes: Buffer, frame: Pick<Frame, 'start' | 'end'>): Buffer {
  const length = frame.end - frame.start;
  const message = length < POOLED ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
  bytes.copy(message, 0, frame.start, frame.end);
  return message;
}

/**
 * A borrowed message is valid during one call only, so a view can serve every message that has its place in the buffer:
 * messages of one length, alone or in a row, find theirs again.
 */
function viewer(input: Buffer): ReadMessage {
  const views: (Buffer | undefined)[] = new Array(KEPT_VIEWS).fill(undefined);
  const starts = new Int32Array(KEPT_VIEWS);
  const ends = new Int32Array(KEPT_VIEWS).fill(-1);
  return (bytes, { start, end }) => {
    // A long message was put together in the arena, whose memory is shared: not what a service expects of a Buffer.
    if (bytes !== input) return copy(bytes, { start, end });
    const slot = (Math.imul(start, 0x9e3779b1) + Math.imul(end, 0x85ebca6b)) >>> SLOT_SHIFT;
    if (starts[slot] === start && ends[slot] === end) return views[slot];
    starts[slot] = start;
    ends[slot] = end;
    return (views[slot] = input.subarray(start, end));
  };
}
