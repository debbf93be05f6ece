/** Defines a decoder, and the result that it fills in. */

/** What `Framing.decode` found. Plain numbers: this is returned once for each message. */
export const INCOMPLETE = 0;
export const MESSAGE = 1;
export const TOO_LONG = 2;
export const BAD = 3;
/** No message, and bytes that belong to none: the caller goes on at `next`. */
export const SKIPPED = 4;
export type FrameStatus = typeof INCOMPLETE | typeof MESSAGE | typeof TOO_LONG | typeof BAD | typeof SKIPPED;

/**
 * Where a decoder leaves what it found. One per thread, filled in anew at each call, so that decoding a message
 * allocates nothing. All offsets are indices into the buffer that was given to `decode`.
 */
export class Frame {
  /** First byte of the message. */
  start = 0;
  /** One past the last byte of the message. */
  end = 0;
  /** One past the last byte of the frame: where the next one begins. */
  next = 0;
  /**
   * In: how many bytes after `from` an earlier call has already looked at in vain.
   * Out, with INCOMPLETE: the same for the next call; with MESSAGE: 0. A message that drips in is so scanned once, not once a byte.
   * Below 0, the decoder knows the length of the frame, and finds no message before so many bytes are there.
   */
  scanned = 0;
  /** Out, with INCOMPLETE: how many bytes the frame has in all, where that is known already; otherwise 0. */
  needed = 0;
  /** Out, with MESSAGE, of a framing of the user's own: the message that its `decode` made; otherwise undefined. */
  message: unknown = undefined;
  /** Out, with BAD or TOO_LONG: what was wrong, for the log and the error. */
  problem = '';
}

/** Why the bytes of a client are refused. */
export type Refusal = 'bad-frame' | 'message-too-long' | 'message-timeout';

/** What is made of bytes that are left over when the client finishes: an error, or a last message. */
export type AtEnd = 'refuse' | 'message';

/** Turns bytes into messages and back. Knows no socket. One serves all clients of a thread and keeps nothing of them, but for what `forClient` makes. */
export interface Framing {
  readonly name: string;
  /**
   * How many bytes `writePrefix` and `writeSuffix` add to a message, together, at most. A frame with so many around its message is what
   * they would write: a reply may lie in it.
   */
  readonly overhead: number;
  /**
   * Whether what is left over when the client finishes may be a message, which nothing ends but the end of the stream: then that must
   * be the client's own word.
   */
  readonly endCompletes: boolean;
  /** Looks for the first message in `bytes[from, to)`. SKIPPED: it is to be called again, from `frame.next` on. */
  decode(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus;
  /**
   * Says what `bytes[from, to)`, left over when the client finished, is: a message, nothing (INCOMPLETE with
   * `from === to`), or an error (BAD).
   */
  finish(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus;
  /** Writes what goes before a message of `length` bytes; returns how many bytes that was. */
  writePrefix(length: number, target: Buffer, at: number): number;
  /** Writes what goes after a message; returns how many bytes that was. */
  writeSuffix(target: Buffer, at: number): number;
  /** Only for a framing of the user's own: turns a reply into the bytes to send, prefix and suffix included. */
  encode?(reply: unknown): Uint8Array | string;
  /**
   * Only for a framing of the user's own that keeps a state with each client: the same framing for one client, which has `state` already;
   * `undefined`: a new client.
   */
  readonly forClient?: ((state: unknown) => Framing) | undefined;
  /** What it keeps with its one client; `undefined`: nothing, or nothing yet. */
  readonly state?: unknown;
  /** Only for a framing of the user's own: the last words for a client whose bytes are refused; no frame goes around them. */
  readonly refuse?: ((why: Refusal, text: string) => Uint8Array | string | undefined) | undefined;
}

/** Fills in `frame` with the message in `[start, end)` of a frame that goes up to `next`. */
export function found(frame: Frame, start: number, end: number, next: number): typeof MESSAGE {
  frame.start = start;
  frame.end = end;
  frame.next = next;
  frame.scanned = 0;
  frame.needed = 0;
  frame.message = undefined;
  return MESSAGE;
}

/** Fills in `frame` with what the next call should know: bytes looked at, and bytes of the whole frame (0: unknown). */
export function incomplete(frame: Frame, scanned: number, needed = 0): typeof INCOMPLETE {
  frame.scanned = scanned;
  frame.needed = needed;
  frame.message = undefined;
  return INCOMPLETE;
}

/** The same for a frame of `needed` bytes in all: the next call looks at no byte before they are there (`isWaiting`). */
export function waiting(frame: Frame, needed: number): typeof INCOMPLETE {
  return incomplete(frame, -needed, needed);
}

/** Whether the frame needs more bytes than the `available` ones, as an earlier call has found. */
export function isWaiting({ scanned }: Frame, available: number): boolean {
  return scanned < 0 && available < -scanned;
}

/** Fills in `frame` for bytes before `next` that belong to no message. */
export function skipped(frame: Frame, next: number): typeof SKIPPED {
  incomplete(frame, 0);
  frame.next = next;
  return SKIPPED;
}

/** Fills in `frame` for a message of more than `limit` bytes. */
export function tooLong(frame: Frame, limit: number): typeof TOO_LONG {
  incomplete(frame, 0);
  frame.problem = `a message is longer than ${limit} bytes (maxMessageLength)`;
  return TOO_LONG;
}

/** Fills in `frame` for bytes that are no message. */
export function bad(frame: Frame, problem: string): typeof BAD {
  incomplete(frame, 0);
  frame.problem = problem;
  return BAD;
}

/** Says what `count` left-over bytes are in a framing whose messages have an end of their own. */
export function leftOver(frame: Frame, count: number): FrameStatus {
  if (count === 0) return incomplete(frame, 0);
  const bytes = count === 1 ? '1 byte' : `${count} bytes`;
  return bad(frame, `the input ended part-way through a message, ${bytes} after the last one`);
}
