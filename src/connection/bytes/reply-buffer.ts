/** Collects the replies of one read, so that they leave in one write. */
import { Buffer } from 'node:buffer'; // The global is an accessor, which costs at each message.
import { kindOf } from '../../errors.ts';
import type { Framing } from '../../framing/frame.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import { byteLengthOf } from '../../sys/typed-array.ts';

/**
 * The thread's buffer for replies. A service that changes a borrowed message where it lies and returns it has made a
 * reply that lies in its frame already: as long as all replies of a read are like that, they leave from the read
 * buffer, and no byte of them is copied.
 */
export class ReplyBuffer {
  /** What is to be sent: `memory.bytes[start, start + length)`. */
  memory: NativeBuffer;
  start = 0;
  length = 0;
  /** Whose replies they are. */
  owner: object | undefined = undefined;
  /** Memory of its own. */
  readonly own: NativeBuffer;
  readonly #input: NativeBuffer;

  /** `own` is for replies that are copied; it is as long as `input`, the thread's read buffer. */
  constructor(own: NativeBuffer, input: NativeBuffer) {
    this.own = own;
    this.memory = own;
    this.#input = input;
  }

  /** Appends a reply in its frame; false: it does not fit now. */
  append(framing: Framing, reply: Uint8Array | string): boolean {
    if (this.memory !== this.own) this.#copy();
    const { bytes } = this.own;
    const text = typeof reply === 'string';
    const length = lengthOf(reply);
    if (this.length + length + framing.overhead > bytes.length) return false;
    let at = this.length;
    at += framing.writePrefix(length, bytes, at);
    if (text) bytes.write(reply, at, length, 'utf8');
    else bytes.set(reply, at);
    at += length;
    this.length = at + framing.writeSuffix(bytes, at);
    return true;
  }

  /** Appends the frame in `[from, to)` of the read buffer; false: it does not follow on those that are here. */
  appendInPlace(from: number, to: number): boolean {
    if (this.length === 0) {
      this.memory = this.#input;
      this.start = from;
    } else if (this.memory !== this.#input || this.start + this.length !== from) return false;
    this.length = to - this.start;
    return true;
  }

  /** Takes a message in its frame; the buffer is empty, and has room for it. */
  put(framed: Uint8Array): void {
    this.own.bytes.set(framed);
    this.length = framed.length;
  }

  /** Empties the buffer. */
  clear(): void {
    this.memory = this.own;
    this.start = 0;
    this.length = 0;
  }

  /** Copies out what is behind the first `sent` bytes and empties the buffer. */
  takeRest(sent: number): Buffer {
    const rest = Buffer.from(this.memory.bytes.subarray(this.start + sent, this.start + this.length));
    this.clear();
    return rest;
  }

  #copy(): void {
    this.#input.bytes.copy(this.own.bytes, 0, this.start, this.start + this.length);
    this.memory = this.own;
    this.start = 0;
  }
}

/** How many bytes a reply has. */
export function lengthOf(reply: Uint8Array | string): number {
  return typeof reply === 'string' ? Buffer.byteLength(reply) : byteLengthOf(reply);
}

/** Copies one reply into memory of its own, in its frame: for replies that are not sent within the call that made them. */
export function frameReply(framing: Framing, reply: Uint8Array | string): Buffer {
  const length = lengthOf(reply);
  const framed = Buffer.allocUnsafe(length + framing.overhead);
  const at = framing.writePrefix(length, framed, 0);
  if (typeof reply === 'string') framed.write(reply, at, length, 'utf8');
  else framed.set(reply, at);
  const end = at + length + framing.writeSuffix(framed, at + length);
  return end === framed.length ? framed : framed.subarray(0, end);
}

/** Gives the reply as bytes or text; anything else that a service returns is its mistake. */
export function checkReply(framing: Framing, reply: unknown): Uint8Array | string {
  if (framing.encode !== undefined) return framing.encode(reply);
  if (typeof reply === 'string' || reply instanceof Uint8Array) return reply;
  throw new TypeError(`a reply must be bytes (a Uint8Array), a string or undefined, got ${kindOf(reply)}`);
}
