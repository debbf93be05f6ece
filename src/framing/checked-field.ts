/** Checks what the user says of a length field. */
import type { LengthField } from './length-field.ts';

const SIZES: ReadonlySet<unknown> = new Set([1, 2, 3, 4, 8, 'varint']);
const VARINT_SIZES: ReadonlySet<unknown> = new Set([1, 2, 3, 4, 5, 8]);
const SAYS: readonly string[] = ['at', 'size', 'endian', 'counts', 'add', 'message'];

/** The largest offset of a field, and the most that can be added to what it says, in bytes. */
const MAX_AT_BYTES = 65_535;
const MAX_ADD_BYTES = 2 ** 31;

/** Makes the error for what is wrong with a part of a framing. */
type Wrong = (name: string, expected: string, got: unknown) => Error;

/** Gives a copy of `given` if it is as a length field must be; throws `wrong` if not. */
export function checkedField(given: Readonly<Record<string, unknown>>, wrong: Wrong): LengthField {
  const { at = 0, size, add = 0, message } = given;
  const unknown = Object.keys(given).find((name) => !SAYS.includes(name) && given[name] !== undefined);
  if (unknown !== undefined) throw wrong('length', `no more than ${SAYS.join(', ')}`, given);
  if (!SIZES.has(size) && !isVarint(size))
    throw wrong('length.size', "1, 2, 3, 4, 8, 'varint' or { varint: 1 to 5, or 8 }", size);
  if (!isInteger(at, 0, MAX_AT_BYTES)) throw wrong('length.at', `an integer from 0 to ${MAX_AT_BYTES}`, at);
  if (!isInteger(add, -MAX_ADD_BYTES, MAX_ADD_BYTES)) throw wrong('length.add', 'an integer', add);
  for (const [name, one, other] of CHOICES) {
    const choice = given[name];
    if (choice !== undefined && choice !== one && choice !== other)
      throw wrong(`length.${name}`, `'${one}' or '${other}'`, choice);
  }
  if (message === 'body' && at !== 0) throw wrong('length.at', "0 where message is 'body'", at);
  return { ...given } as unknown as LengthField;
}

const CHOICES = [
  ['endian', 'big', 'little'],
  ['counts', 'rest', 'frame'],
  ['message', 'body', 'frame'],
] as const;

function isVarint(size: unknown): boolean {
  if (typeof size !== 'object' || size === null || !('varint' in size)) return false;
  return VARINT_SIZES.has(size.varint) && Object.keys(size).length === 1;
}

function isInteger(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}
