/** Feeds a decoder as a connection does: what is incomplete is kept, and what was scanned is not scanned again. */
import { BAD, Frame, type Framing, MESSAGE, SKIPPED, TOO_LONG } from '../../src/framing/frame.ts';

export interface Decoded {
  readonly messages: string[];
  /** Messages of a custom framing. */
  readonly values: unknown[];
  readonly outcome: 'open' | 'too long' | 'bad';
  readonly problem: string;
  readonly needed: number;
}

export interface Feeding {
  /** What lies in the buffer behind the bytes that were read. */
  readonly garbage?: string;
  /** Where in the buffer the bytes are put. */
  readonly offset?: number;
  /** Whether the client shuts down its side after the last part. */
  readonly finish?: boolean;
}

/** Gives what `framing` makes of `parts`, read one after the other; text is latin1: a character for each byte. */
export function decodeStream(framing: Framing, parts: readonly Uint8Array[], feeding: Feeding = {}): Decoded {
  const { garbage = '\n\r\n||\0', offset = 3, finish = false } = feeding;
  const frame = new Frame();
  const seen: Decoded = { messages: [], values: [], outcome: 'open', problem: '', needed: 0 };
  let kept: Uint8Array = new Uint8Array();
  let scanned = 0;
  for (const [index, part] of parts.entries()) {
    const bytes = Buffer.concat([Buffer.alloc(offset, '\r'), kept, part, Buffer.from(garbage, 'latin1')]);
    const to = offset + kept.length + part.length;
    let from = offset;
    for (;;) {
      frame.scanned = scanned;
      const isLast = finish && index === parts.length - 1;
      let status = framing.decode(bytes, from, to, frame);
      if (status === SKIPPED) {
        if (frame.next <= from || frame.next > to) throw new Error(`it skips from ${from} of ${to} to ${frame.next}`);
        from = frame.next;
        scanned = 0;
        continue;
      }
      if (status !== MESSAGE && status !== BAD && status !== TOO_LONG && isLast)
        status = framing.finish(bytes, from, to, frame);
      if (status === BAD || status === TOO_LONG) {
        return { ...seen, outcome: status === BAD ? 'bad' : 'too long', problem: frame.problem };
      }
      if (status !== MESSAGE) break;
      if (frame.start < from || frame.end > to || frame.next > to || frame.next <= from || frame.start > frame.end) {
        throw new Error(`the frame ${frame.start}, ${frame.end}, ${frame.next} is outside of ${from}..${to}`);
      }
      seen.messages.push(bytes.toString('latin1', frame.start, frame.end));
      seen.values.push(frame.message);
      from = frame.next;
      scanned = 0;
      if (from === to) break;
    }
    kept = bytes.subarray(from, to);
    scanned = from === to ? 0 : frame.scanned;
    if (scanned > kept.length) throw new Error(`scanned ${scanned} of ${kept.length} bytes`);
  }
  return { ...seen, needed: frame.needed };
}

/** Cuts `bytes` after each of `cuts`. */
export function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

export function everyByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1));
}

/** Gives the bytes that are sent for `body`. */
export function encode(framing: Framing, body: Uint8Array): Buffer {
  const target = Buffer.alloc(framing.overhead + body.length + 2, '#');
  let at = 1 + framing.writePrefix(body.length, target, 1);
  target.set(body, at);
  at += body.length;
  at += framing.writeSuffix(target, at);
  if (target[0] !== 35 || at >= target.length || target.subarray(at).some((byte) => byte !== 35))
    throw new Error('wrote more than overhead');
  return target.subarray(1, at);
}
