/** Turns what a socket reads into messages, however they were split on the way. */

import { HeddleError } from '../errors.ts';
import { BAD, Frame, type Framing, MESSAGE, TOO_LONG } from '../framing/frame.ts';

const EMPTY = Buffer.alloc(0);

/**
 * Bytes are only ever added behind those that were handed out, and a full buffer is replaced, not compacted:
 * so a message is a view, not a copy, and never changes.
 */
export class MessageReader {
  readonly #framing: Framing;
  readonly #frame = new Frame();
  #bytes: Buffer = EMPTY;
  #from = 0;
  #to = 0;

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** Gives the messages that `chunk` completes; the chunk is the reader's from here on. Throws what is wrong in it. */
  read(chunk: Buffer): Buffer[] {
    this.#append(chunk);
    const messages: Buffer[] = [];
    while (this.#from < this.#to) {
      const status = this.#framing.decode(this.#bytes, this.#from, this.#to, this.#frame);
      if (status === BAD || status === TOO_LONG) throw frameError(status, this.#frame);
      if (status !== MESSAGE) break;
      messages.push(this.#take());
    }
    if (this.#from === this.#to) this.#bytes = EMPTY;
    return messages;
  }

  /** Gives what is left, now that the server has finished: a last message, or nothing. Throws if it is part of one. */
  finish(): Buffer | undefined {
    const status = this.#framing.finish(this.#bytes, this.#from, this.#to, this.#frame);
    if (status === BAD || status === TOO_LONG) throw frameError(status, this.#frame);
    return status === MESSAGE ? this.#take() : undefined;
  }

  #take(): Buffer {
    const message = this.#bytes.subarray(this.#frame.start, this.#frame.end);
    this.#from = this.#frame.next;
    this.#frame.scanned = 0;
    return message;
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
