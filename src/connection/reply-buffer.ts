/** Used to put the replies of one read together, so that they leave in one write. */
import type { Framing } from '../framing/frame.ts';
import type { NativeBuffer } from '../sys/native-buffer.ts';

/** The thread's buffer for replies. */
export class ReplyBuffer {
  readonly memory: NativeBuffer;
  /** How many bytes are in it. */
  length = 0;
  /** Whose replies they are. */
  owner: object | undefined = undefined;

  constructor(memory: NativeBuffer) {
    this.memory = memory;
  }

  /** Appends a reply in its frame; false: it does not fit now. */
  append(framing: Framing, reply: Uint8Array | string): boolean {
    const { bytes } = this.memory;
    const text = typeof reply === 'string';
    const length = text ? Buffer.byteLength(reply) : reply.length;
    if (this.length + length + framing.overhead > bytes.length) return false;
    let at = this.length;
    at += framing.writePrefix(length, bytes, at);
    if (text) bytes.write(reply, at, length, 'utf8');
    else bytes.set(reply, at);
    at += length;
    this.length = at + framing.writeSuffix(bytes, at);
    return true;
  }

  /** Copies out what is behind the first `sent` bytes and empties the buffer. */
  takeRest(sent: number): Buffer {
    const rest = Buffer.from(this.memory.bytes.subarray(sent, this.length));
    this.length = 0;
    return rest;
  }
}

/** Frames one reply in memory of its own, for replies that are not sent within the call that made them. */
export function frameReply(framing: Framing, reply: Uint8Array | string, borrowed: boolean): Uint8Array {
  const body = typeof reply === 'string' ? Buffer.from(reply) : reply;
  if (framing.overhead === 0) return borrowed ? Buffer.from(body) : body;
  const framed = Buffer.allocUnsafe(body.length + framing.overhead);
  let at = framing.writePrefix(body.length, framed, 0);
  framed.set(body, at);
  at += body.length;
  at += framing.writeSuffix(framed, at);
  return framed.subarray(0, at);
}

/** Gives the reply as bytes or text; anything else that a service returns is its mistake. */
export function checkReply(framing: Framing, reply: unknown): Uint8Array | string {
  if (framing.encode !== undefined) return framing.encode(reply);
  if (typeof reply === 'string' || reply instanceof Uint8Array) return reply;
  throw new TypeError(`a reply must be bytes (a Uint8Array), a string or undefined, got ${describe(reply)}`);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
