/** Turns what a socket reads into messages, however they were split on the way. */

import { HeddleError } from '../errors.ts';
import { BAD, Frame, type Framing, MESSAGE, SKIPPED, TOO_LONG } from '../framing/frame.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Bytes are only ever added behind those that were handed out, and a full buffer is replaced, not compacted:
 * so a message is a view, not a copy, and never changes. With a framing of the user's own, messages are what its `decode` makes.
 */
export class MessageReader<Received = Buffer> {
  readonly #framing: Framing;
  readonly #frame = new Frame();
  #bytes: Buffer = EMPTY;
  #from = 0;
  #lastLength = 0;
  #to = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** How many bytes the frame of the message that was read last has. */
  get lastLength(): number {
    return this.#lastLength;
  }

  /** Gives each message that `chunk` completes; the chunk is the reader's from here on. Throws what is wrong in it. */
  *read(chunk: Buffer): Generator<Received, void, void> {
    this.#append(chunk);
    while (this.#from < this.#to) {
      const status = this.#framing.decode(this.#bytes, this.#from, this.#to, this.#frame);
      if (status === BAD || status === TOO_LONG) throw frameError(status, this.#frame);
      if (status === SKIPPED) this.#from = this.#frame.next;
      else if (status !== MESSAGE) break;
      else yield this.#take();
    }
    if (this.#from === this.#to) this.#bytes = EMPTY;
  }

  /** Gives what is left, now that the server has finished: a last message, or nothing. Throws if it is part of one. */
  finish(): Received | undefined {
    const status = this.#framing.finish(this.#bytes, this.#from, this.#to, this.#frame);
    if (status === BAD || status === TOO_LONG) throw frameError(status, this.#frame);
    return status === MESSAGE ? this.#take() : undefined;
  }

  #take(): Received {
    const { start, end, next, message } = this.#frame;
    this.#lastLength = next - this.#from;
    this.#from = next;
    this.#frame.scanned = 0;
    return (this.#framing.encode === undefined ? this.#bytes.subarray(start, end) : message) as Received;
  }

  #append(chunk: Buffer): void {
    if (this.#bytes.length === 0) {
      this.#bytes = chunk;
      this.#from = 0;
      this.#to = chunk.length;
      return;
    }
    if (this.#bytes.length - this.#to < chunk.length) this.#grow(chunk.length);
    chunk.copy(this.#bytes, this.#to);
    this.#to += chunk.length;
  }

  #grow(more: number): void {
    const kept = this.#to - this.#from;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#frame.needed, 2 * (kept + more)));
    this.#bytes.copy(larger, 0, this.#from, this.#to);
    this.#bytes = larger;
    this.#from = 0;
    this.#to = kept;
  }
}

function frameError(status: typeof BAD | typeof TOO_LONG, frame: Frame): HeddleError {
  if (status === TOO_LONG) {
    return new HeddleError('HEDDLE_MESSAGE_TOO_LONG', `The server sent a message that is too long: ${frame.problem}`);
  }
  return new HeddleError('HEDDLE_BAD_FRAME', `The server sent what is no message: ${frame.problem}`);
}
