/** Takes all that the client sends, until it shuts down its side, as one message. */
import { type Frame, type FrameStatus, type Framing, found, INCOMPLETE, incomplete, tooLong } from './frame.ts';

export class EndFraming implements Framing {
  readonly name = 'end';
  readonly overhead = 0;
  readonly endCompletes = true;
  readonly #limit: number;

  constructor(maxMessageLength: number) {
    this.#limit = maxMessageLength;
  }

  decode(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return to - from > this.#limit ? tooLong(frame, this.#limit) : incomplete(frame, to - from);
  }

  finish(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const status = this.decode(bytes, from, to, frame);
    return status === INCOMPLETE && from < to ? found(frame, from, to, to) : status;
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(): number {
    return 0;
  }
}
