/** Takes what is there, up to a number of bytes, as one message. */
import { type Frame, type FrameStatus, type Framing, found, incomplete } from './frame.ts';

export class PiecesFraming implements Framing {
  readonly name = 'pieces';
  readonly overhead = 0;
  readonly endCompletes = false;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  decode(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    if (from === to) return incomplete(frame, 0);
    const end = Math.min(to, from + this.#most);
    return found(frame, from, end, end);
  }

  finish(bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return this.decode(bytes, from, to, frame);
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(): number {
    return 0;
  }
}
