/** Says what a framing must make of a stream, by reading all of it at once: the model that decoders are held to. */
import type { FramingSpec } from '../../../src/framing/framing.ts';

/** The built-in framings that do not depend on reads. */
export type Modelled = Exclude<FramingSpec, string> | 'end';

export interface Expected {
  /** latin1: a character for each byte. */
  readonly messages: readonly string[];
  readonly outcome: 'open' | 'too long' | 'bad';
}

type Step = { readonly message: string; readonly next: number } | Expected['outcome'] | 'left over';

/** `text` is latin1; `finish`: the client ends behind it. */
export function expected(spec: Modelled, limit: number, text: string, finish: boolean): Expected {
  const messages: string[] = [];
  for (let from = 0; from < text.length; ) {
    const rest = text.slice(from);
    const next = step(spec, limit, rest);
    if (typeof next === 'object') {
      messages.push(next.message);
      from += next.next;
    } else if (next !== 'left over') return { messages, outcome: next };
    else return finish ? ending(spec, limit, rest, messages) : { messages, outcome: 'open' };
  }
  return { messages, outcome: 'open' };
}

function step(spec: Modelled, limit: number, rest: string): Step {
  if (spec === 'end') return rest.length > limit ? 'too long' : 'left over';
  if ('length' in spec) return afterLength(spec.length, limit, rest);
  const delimiter = 'line' in spec ? '\n' : latin1(spec.delimiter);
  const at = rest.indexOf(delimiter);
  const body = at < 0 ? rest : rest.slice(0, at);
  const message = 'line' in spec && body.endsWith('\r') ? body.slice(0, -1) : body;
  // The end of what is left over may begin a delimiter, or be the carriage return before it.
  const mayFollow = at < 0 && 'delimiter' in spec ? delimiter.length - 1 : 0;
  if (message.length > limit + mayFollow) return 'too long';
  return at < 0 ? 'left over' : { message, next: at + delimiter.length };
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
  if (atEnd === 'refuse') return { messages, outcome: 'bad' };
  const message = typeof spec === 'object' && 'line' in spec && rest.endsWith('\r') ? rest.slice(0, -1) : rest;
  if (message.length > limit) return { messages, outcome: 'too long' };
  return { messages: [...messages, message], outcome: 'open' };
}

export function latin1(delimiter: string | Uint8Array): string {
  return Buffer.from(delimiter as Uint8Array).toString('latin1');
}
