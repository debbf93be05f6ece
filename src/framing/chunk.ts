/** Takes what one read returned as one message. */
import { type Frame, type FrameStatus, type Framing, found, incomplete } from './frame.ts';

export class ChunkFraming implements Framing {
  readonly name = 'chunk';
  readonly overhead = 0;
  readonly endCompletes = false;

  decode(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return from === to ? incomplete(frame, 0) : found(frame, from, to, to);
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
