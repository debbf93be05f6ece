/** Used to say what the value of an option may be; an error's message goes on from the option's name. */

import * as z from 'zod';
import { type Duration, formatDuration, LONGEST_DURATION, parseDuration } from './duration.ts';
import { typeNotes } from './schema.ts';
import { formatSize, parseSize, type Size } from './size.ts';

const number = { form: 'number', fromText: (text: string) => (/^-?\d+$/.test(text) ? Number(text) : text) };

/** Adds an issue that ends the reading of the value. */
export function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

export function positiveInteger(max: number) {
  const expected = 'must be a positive integer';
  return z.int(expected).min(1, expected).max(max, `must be at most ${max}`).register(typeNotes, number);
}

export function port() {
  const expected = 'must be an integer from 0 to 65535';
  return z.int(expected).min(0, expected).max(65535, expected).register(typeNotes, number);
}

/** A positive integer, or Infinity (as text also `none`) for no limit. */
export function limit() {
  const expected = 'must be a positive integer or Infinity';
  const fromText = (text: string) => (text === 'none' || text === 'Infinity' ? Infinity : number.fromText(text));
  return z
    .custom<number>((value) => value === Infinity || (Number.isSafeInteger(value) && Number(value) >= 1), expected)
    .register(typeNotes, { form: 'number', fromText });
}

export function duration(min: number, forever: 'never' | 'finite') {
  const orNever = forever === 'never' ? ', or never' : '';
  const expected = `must be a duration such as 250ms, 30s or 5m${orNever}`;
  const fits = (ms: number) => (ms === Infinity ? forever === 'never' : ms <= LONGEST_DURATION);
  return z
    .custom<Duration>()
    .transform((value, context) => parseDuration(value) ?? refuse(context, expected))
    .refine((ms) => ms >= min, `must be at least ${formatDuration(min)}`)
    .refine(fits, `must be at most ${formatDuration(596 * 3_600_000)}${orNever}`)
    .register(typeNotes, { form: 'duration' });
}

export function size(min: number, max: number) {
  return z
    .custom<Size>()
    .transform((value, context) => parseSize(value) ?? refuse(context, 'must be a size such as 512B, 64KiB or 1MiB'))
    .refine((bytes) => bytes >= min, `must be at least ${formatSize(min)}`)
    .refine((bytes) => bytes <= max, `must be at most ${formatSize(max)}`)
    .register(typeNotes, { form: 'size' });
}

export function choice<const Names extends readonly string[]>(names: Names) {
  return z.enum(names, `must be one of ${names.join(', ')}`).register(typeNotes, { form: names.join('|') });
}

/** On or off; as a flag it takes no value. */
export function toggle() {
  const values: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };
  return z
    .boolean('must be true or false')
    .register(typeNotes, { form: 'boolean', fromText: (text) => values[text] ?? text });
}

/** An IP address or a host name. */
export function host() {
  const expected = 'must be an IP address or a host name';
  return z.string(expected).regex(/^[\w.:-]+(%[\w.-]+)?$/, expected).register(typeNotes, { form: 'address' });
}

export function path(expected: string) {
  return z.string(expected).min(1, expected).register(typeNotes, { form: 'path' });
}

/** A value of the library's that no text can say; `accepts` tells whether it is one. */
export function opaque<T>(form: string, accepts: (value: unknown) => boolean) {
  return z.custom<T>(accepts, `must be ${form}`).register(typeNotes, { form });
}
