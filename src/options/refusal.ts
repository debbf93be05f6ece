/** Used to say of a bad option what is wrong with it, by the name that it was given by. */

import type * as z from 'zod';
import { HeddleError } from '../errors.ts';
import { nearestName } from './nearest-name.ts';
import { optionsIn, type Schema } from './schema.ts';
import { isText, nameIn, type OptionSource } from './source.ts';

/** Turns the first issue that zod has with `input` into a HEDDLE_INVALID_OPTION; `schema` has all there is. */
export function refusal(error: z.ZodError, input: unknown, schema: Schema, source: OptionSource): HeddleError {
  const [issue] = error.issues;
  const message = issue === undefined ? error.message : describe(issue, input, schema, source);
  return new HeddleError('HEDDLE_INVALID_OPTION', message);
}

/** Says that `name` is none of `known`, and which of them was meant. */
export function notAnOption(name: string, meant: string | undefined, known: readonly string[]): string {
  return `${name} is not an option; ${meant === undefined ? `the options are ${known.join(', ')}` : `did you mean ${meant}?`}`;
}

function describe(issue: z.core.$ZodIssue, input: unknown, schema: Schema, source: OptionSource): string {
  const [name, ...rest] = issue.path.map(String);
  if (issue.code === 'unrecognized_keys' && name === undefined)
    return unknownOption(schema, issue.keys[0] ?? '', source);
  const whole = source.from === 'file' ? source.path : 'options';
  const subject = name === undefined ? whole : nameIn(source, name, rest.map((key) => `.${key}`).join(''));
  if (issue.code === 'custom' && issue.params?.['saysValue'] === true) return `${subject} ${issue.message}`;
  return `${subject} ${issue.message}, got ${show(valueAt(input, issue.path), source)}`;
}

function unknownOption(schema: Schema, name: string, source: OptionSource): string {
  const full = nameIn(source, name);
  if (Object.hasOwn(schema.shape, name)) return `${full} cannot be given here; see docs/options.md for where it can`;
  const known = optionsIn(schema, source.from).map((option) => option.name);
  return notAnOption(full, nearestName(name, known), known);
}

function isRecord(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, key) => (isRecord(value) ? value[key] : undefined), input);
}

/** Shows a value in an error: short, on one line, and numbers in text without quotes. */
function show(value: unknown, source: OptionSource): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (isText(value, source) && /^-?[\d.]+$/.test(value)) return value;
  if (typeof value === 'string' || (typeof value === 'object' && value !== null)) return showJson(value);
  return String(value);
}

function showJson(value: string | object): string {
  try {
    const json = JSON.stringify(value);
    return json.length > 80 ? `${json.slice(0, 77)}...` : json;
  } catch {
    return 'an object';
  }
}
