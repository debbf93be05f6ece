/** Reads messages ahead of the time when a service asks for them. */
import { type Frame, MESSAGE } from '../../framing/frame.ts';
import type { Codec } from '../codec/codec.ts';

/*
 * While a message lies in the thread's read buffer, to find it and to copy it costs half of what it costs where it is kept later. Its
 * bytes are kept all the same: whatever else becomes of them, these messages are forgotten, and nothing is lost.
 */

/** At most so many messages, and bytes of the client, are read ahead: they are memory beside what is kept. */
const MAX_MESSAGES = 64;
const MAX_BYTES = 4096;

export class MessagesAhead {
  #codec: Codec | undefined = undefined;
  readonly #messages: unknown[] = [];
  /** How many bytes of the client each takes. */
  readonly #lengths: number[] = [];
  #next = 0;

  /** Reads what `codec` finds in `bytes[from, to)`. Not for a decoder of the service's own, nor for messages that are lent. */
  read(codec: Codec, bytes: Buffer, from: number, to: number, frame: Frame): void {
    const { framing, readMessage } = codec;
    const stop = Math.min(to, from + MAX_BYTES);
    this.forget();
    this.#codec = codec;
    frame.scanned = 0;
    for (let at = from; at < stop && this.#lengths.length < MAX_MESSAGES; at = frame.next) {
      if (framing.decode(bytes, at, stop, frame) !== MESSAGE) return;
      const message = readMessage(bytes, frame);
      if (message === undefined) return;
      this.#messages.push(message);
      this.#lengths.push(frame.next - at);
    }
  }

  /** Gives the next message, as `codec` reads it; `undefined`: none was read. */
  take(codec: Codec): unknown {
    if (this.#next === this.#lengths.length || codec !== this.#codec) return undefined;
    const message = this.#messages[this.#next];
    this.#messages[this.#next++] = undefined; // It is the service's alone.
    return message;
  }

  /** How many bytes of the client the message takes that was given last. */
  get lastLength(): number {
    return this.#lengths[this.#next - 1] as number;
  }

  /** Drops messages that were not asked for: their bytes are read in another way. */
  forget(): void {
    this.#messages.length = 0;
    this.#lengths.length = 0;
    this.#next = 0;
  }
}
