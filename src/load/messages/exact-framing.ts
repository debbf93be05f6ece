/** Takes replies of a known length, for a server whose messages have no ends: what is read may be a part of a reply. */

import { type Frame, type FrameStatus, type Framing, found, incomplete, leftOver } from '../../framing/frame.ts';

export class ExactFraming implements Framing {
  readonly name = 'chunk';
  readonly overhead = 0;
  readonly endCompletes = false;
  /** How many bytes the next reply has. */
  length = 1;

  decode(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    const end = from + this.length;
    return end > to ? incomplete(frame, 0, this.length) : found(frame, from, end, end);
  }

  finish(_bytes: Buffer, from: number, to: number, frame: Frame): FrameStatus {
    return leftOver(frame, to - from);
  }

  writePrefix(): number {
    return 0;
  }

  writeSuffix(): number {
    return 0;
  }
}
