/** Says what is wrong with a bad option, by the name that it was given by. */

import type * as v from 'valibot';
import { HeddleError } from '../errors.ts';
import { escapeText } from '../log/escape.ts';
import { nearestName } from './nearest-name.ts';
import { optionsIn, type Schema } from './schema.ts';
import { show } from './show.ts';
import { isText, nameIn, type OptionSource } from './source.ts';

/** Turns an issue that valibot has with options into a HEDDLE_INVALID_OPTION; `schema` has all there is. */
export function refusal(issue: v.BaseIssue<unknown>, schema: Schema, source: OptionSource): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', escapeText(describe(issue, schema, source)));
}

/** Says that `name` is none of `known`, and which of them was meant. */
export function notAnOption(name: string, meant: string | undefined, known: readonly string[]): string {
  return `${name} is not an option; ${meant === undefined ? `the options are ${known.join(', ')}` : `did you mean ${meant}?`}`;
}

function describe(issue: v.BaseIssue<unknown>, schema: Schema, source: OptionSource): string {
  const { kind, message, input, path = [] } = issue;
  const values = path.filter(({ origin }) => origin === 'value');
  const [name, ...rest] = values.map(({ key }) => String(key));
  // A key that is not known ends the path; what is at fault is the object that has it.
  const unknown = path.find(({ origin }) => origin === 'key');
  if (unknown !== undefined && name === undefined) return unknownOption(schema, String(unknown.key), source);
  const whole = source.from === 'file' ? source.path : 'options';
  const subject = name === undefined ? whole : nameIn(source, name, rest.map((key) => `.${key}`).join(''));
  // From `refuse`: its message is all there is to say.
  if (kind === 'transformation') return `${subject} ${message}`;
  const value = values.length === 0 ? input : values.at(-1)?.value;
  const isNumber = isText(value, source) && /^-?[\d.]+$/.test(value);
  return `${subject} ${message}, got ${isNumber ? value : show(value)}`;
}

function unknownOption(schema: Schema, name: string, source: OptionSource): string {
  const full = nameIn(source, name);
  if (Object.hasOwn(schema.entries, name)) return `${full} cannot be given here; see docs/options.md for where it can`;
  const known = optionsIn(schema, source.from).map((option) => option.name);
  return notAnOption(full, nearestName(name, known), known);
}
