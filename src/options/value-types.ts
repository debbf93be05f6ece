/** Used to say what the value of an option may be; an error's message goes on from the option's name. */

import * as z from 'zod';
import { type Duration, formatDuration, LONGEST_DURATION, parseDuration } from './duration.ts';
import { LONGEST_UNIX_PATH } from '../sys/socket-address.ts';
import { typeNotes } from './schema.ts';
import { formatSize, parseSize, type Size } from './size.ts';

const number = { form: 'number', fromText: (text: string) => (/^-?\d+$/.test(text) ? Number(text) : text) };

/** Adds an issue that ends the reading of the value; with `saysValue`, the message says what was given. */
export function refuse(context: z.RefinementCtx, message: string, params?: { readonly saysValue: boolean }): never {
  context.addIssue({ code: 'custom', message, params });
  return z.NEVER;
}

/** Reads a value by the type that `choose` gives for it; unlike a union's, its issues are those of that type alone. */
export function byForm<Input, Output>(choose: (value: unknown) => z.ZodType<Output>) {
  return z.custom<Input>().transform((value, context): Output => {
    const result = choose(value).safeParse(value, { jitless: true });
    if (result.success) return result.data;
    for (const issue of result.error.issues) context.addIssue({ ...issue, code: 'custom' });
    return z.NEVER;
  });
}

export function integer(min: number, max: number) {
  const expected = min === 1 ? 'must be a positive integer' : `must be an integer from ${min} to ${max}`;
  return z
    .int(expected)
    .min(min, expected)
    .max(max, min === 1 ? `must be at most ${max}` : expected)
    .register(typeNotes, number);
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
  const fromText = (text: string) => (/^(true|1)$/.test(text) ? true : /^(false|0)$/.test(text) ? false : text);
  return z.boolean('must be true or false').register(typeNotes, { form: 'boolean', fromText });
}

/** An IP address or a host name. */
export function host() {
  const expected = 'must be an IP address or a host name';
  return z
    .string(expected)
    .regex(/^[\w.:-]+(%[\w.-]+)?$/, expected)
    .register(typeNotes, { form: 'address' });
}

export function path(expected: string) {
  return z.string(expected).min(1, expected).register(typeNotes, { form: 'path' });
}

/** The path of a Unix socket; the kernel has room for so many bytes (unix(7)). */
export function socketPath() {
  const expected = `must be the path of a socket, of 1 to ${LONGEST_UNIX_PATH} bytes (a relative path may be shorter)`;
  const fits = (text: string) => Buffer.byteLength(text) <= LONGEST_UNIX_PATH && !text.includes('\0');
  return z.string(expected).min(1, expected).refine(fits, expected).register(typeNotes, { form: 'path' });
}

/** Who may use a file, as `chmod` takes it: a number, or octal text. */
export function fileMode() {
  const expected = 'must be a file mode such as 0660';
  return z
    .custom<number | string>()
    .transform((value, context) => parseFileMode(value) ?? refuse(context, expected))
    .register(typeNotes, { form: 'mode' });
}

/** Gives the mode that `value` says, undefined if it is none. */
function parseFileMode(value: unknown): number | undefined {
  const mode =
    typeof value === 'string' && /^(0o?)?[0-7]{3}$/.test(value) ? Number.parseInt(value.slice(-3), 8) : value;
  return typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= 0o777 ? mode : undefined;
}

/** A value of the library's that no text can say; `accepts` tells whether it is one. */
export function opaque<T>(form: string, accepts: (value: unknown) => boolean) {
  return z.custom<T>(accepts, `must be ${form}`).register(typeNotes, { form });
}
