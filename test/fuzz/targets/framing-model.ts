/** Says what a framing must make of a stream, by reading all of it at once: the model that decoders are held to. */
import type { AtEnd } from '../../../src/framing/frame.ts';
import type { LengthField } from '../../../src/framing/length-field.ts';

/** The built-in framings that do not depend on reads. */
export type Modelled =
  | 'end'
  | { readonly line: 'lf' | 'crlf'; readonly atEnd?: AtEnd | undefined }
  | { readonly length: 1 | 2 | 4 | ModelledField }
  | ModelledMarks;

/** A length field with all that it says. */
export type ModelledField = { readonly [Name in keyof LengthField]-?: Exclude<LengthField[Name], undefined> };

export interface ModelledMarks {
  readonly delimiter: Uint8Array | readonly Uint8Array[];
  readonly start?: Uint8Array | undefined;
  readonly outside?: 'refuse' | 'skip' | undefined;
  readonly atEnd?: AtEnd | undefined;
}

export interface Expected {
  /** latin1: a character for each byte. */
  readonly messages: readonly string[];
  readonly outcome: 'open' | 'too long' | 'bad';
}

type Step = { readonly message: string | undefined; readonly next: number } | Expected['outcome'] | 'left over';

/** `text` is latin1; `finish`: the client ends behind it. */
export function expected(spec: Modelled, limit: number, text: string, finish: boolean): Expected {
  const messages: string[] = [];
  for (let from = 0; from < text.length; ) {
    const rest = text.slice(from);
    const next = step(spec, limit, rest);
    if (typeof next === 'object') {
      if (next.message !== undefined) messages.push(next.message);
      from += next.next;
    } else if (next !== 'left over') return { messages, outcome: next };
    else return finish ? ending(spec, limit, rest, messages) : { messages, outcome: 'open' };
  }
  return { messages, outcome: 'open' };
}

function step(spec: Modelled, limit: number, rest: string): Step {
  if (spec === 'end') return rest.length > limit ? 'too long' : 'left over';
  if ('length' in spec) {
    return typeof spec.length === 'number' ? afterLength(spec.length, limit, rest) : byField(spec.length, limit, rest);
  }
  if ('line' in spec) return upTo(['\n'], limit, rest, 0, true);
  const { delimiter, start, outside } = spec;
  const begin = start === undefined ? '' : latin1(start);
  if (!rest.startsWith(begin) && !begin.startsWith(rest)) {
    if (outside !== 'skip') return 'bad';
    let next = 1;
    while (!rest.startsWith(begin, next) && !begin.startsWith(rest.slice(next))) next++;
    return { message: undefined, next };
  }
  if (rest.length < begin.length) return 'left over';
  return upTo(endsOf(delimiter), limit, rest, begin.length, false);
}

/** A message from `from` on, up to the first of `ends` that is complete, the longest of those that end there. */
function upTo(ends: readonly string[], limit: number, rest: string, from: number, isLine: boolean): Step {
  let [at, next] = [-1, Infinity];
  for (const end of ends) {
    const found = rest.indexOf(end, from);
    if (found < 0 || found + end.length > next || (found + end.length === next && found > at)) continue;
    [at, next] = [found, found + end.length];
  }
  const body = rest.slice(from, at < 0 ? undefined : at);
  const message = isLine && body.endsWith('\r') ? body.slice(0, -1) : body;
  // The end of what is left over may begin a delimiter, or be the carriage return before it.
  const mayFollow = at < 0 && !isLine ? Math.max(...ends.map(({ length }) => length)) - 1 : 0;
  if (message.length > limit + mayFollow) return 'too long';
  return at < 0 ? 'left over' : { message, next };
}

export function endsOf(delimiter: ModelledMarks['delimiter']): readonly string[] {
  return (delimiter instanceof Uint8Array ? [delimiter] : delimiter).map(latin1);
}

function byField({ at, size, endian, counts, add, message }: ModelledField, limit: number, rest: string): Step {
  const bytes = Buffer.from(rest, 'latin1');
  let said = 0n;
  let width = 0;
  if (typeof size === 'number') {
    width = size;
    if (rest.length < at + width) return 'left over';
    const field = [...bytes.subarray(at, at + width)];
    for (const byte of endian === 'big' ? field : field.toReversed()) said = said * 256n + BigInt(byte);
  } else {
    const most = size === 'varint' ? 4 : size.varint;
    for (let goesOn = true; goesOn; width++) {
      if (width === most) return 'bad';
      const byte = bytes[at + width];
      if (byte === undefined) return 'left over';
      said += BigInt(byte % 128) << BigInt(7 * width);
      goesOn = byte >= 128;
    }
  }
  const end = Number(said) + add + (counts === 'frame' ? 0 : at + width);
  if (end < at + width) return 'bad';
  const start = message === 'frame' ? 0 : at + width;
  if (end - start > limit) return 'too long';
  return rest.length < end ? 'left over' : { message: rest.slice(start, end), next: end };
}

function afterLength(size: number, limit: number, rest: string): Step {
  if (rest.length < size) return 'left over';
  const length = Array.from(rest.slice(0, size)).reduce((sum, byte) => sum * 256 + byte.charCodeAt(0), 0);
  if (length > limit) return 'too long';
  return rest.length < size + length ? 'left over' : { message: rest.slice(size, size + length), next: size + length };
}

function ending(spec: Modelled, limit: number, rest: string, messages: readonly string[]): Expected {
  const atEnd =
    spec === 'end' ? 'message' : 'length' in spec ? 'refuse' : (spec.atEnd ?? ('line' in spec ? 'message' : 'refuse'));
  const start = typeof spec === 'object' && 'start' in spec && spec.start !== undefined ? latin1(spec.start) : '';
  const isSkipped = typeof spec === 'object' && 'outside' in spec && spec.outside === 'skip' && !rest.startsWith(start);
  if (isSkipped) return { messages, outcome: 'open' };
  if (atEnd === 'refuse' || !rest.startsWith(start)) return { messages, outcome: 'bad' };
  const isLine = typeof spec === 'object' && 'line' in spec;
  const message = isLine && rest.endsWith('\r') ? rest.slice(0, -1) : rest.slice(start.length);
  if (message.length > limit) return { messages, outcome: 'too long' };
  return { messages: [...messages, message], outcome: 'open' };
}

export function latin1(mark: Uint8Array): string {
  return Buffer.from(mark).toString('latin1');
}
