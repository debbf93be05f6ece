/** Checks the options of a source against a schema, and merges those of several sources. */

import * as v from 'valibot';
import { refusal } from './refusal.ts';
import { optionsIn, type Schema } from './schema.ts';
import { isText, LIBRARY, type OptionSource } from './source.ts';

/** To valibot's own types of object, an array is one too. */
const record = v.custom<Readonly<Record<string, unknown>>>(
  (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
  'must be an object of options',
);

/** Checks options given in code and fills in the defaults. Throws HEDDLE_INVALID_OPTION. */
export function parseOptions<S extends Schema>(schema: S, input: unknown): v.InferOutput<S> {
  return parse(schema, input ?? {}, schema, LIBRARY);
}

/** Checks the options of one source; gives the settings of those that are present. Throws HEDDLE_INVALID_OPTION. */
export function checkOptions<S extends Schema>(
  schema: S,
  input: unknown,
  source: OptionSource,
): Partial<v.InferOutput<S>>;
export function checkOptions(schema: Schema, input: unknown, source: OptionSource): Record<string, unknown> {
  if (!v.is(record, input)) return parse(schema, input, schema, source);
  const isKnown = (name: string) => Object.hasOwn(schema.entries, name);
  const entries = Object.entries(input).filter(([name, value]) => value !== undefined || !isKnown(name));
  const given = Object.fromEntries(entries);
  const options = optionsIn(schema, source.from).filter(({ name }) => Object.hasOwn(given, name));
  for (const { name, fromText } of options) {
    const value = given[name];
    if (fromText !== undefined && isText(value, source)) given[name] = fromText(value);
  }
  const names = options.map(({ name }) => name);
  return parse(v.pick(schema, names as [string, ...string[]]), given, schema, source);
}

/** Merges `layers`, the first that has an option winning, over the defaults. */
export function settle<S extends Schema>(schema: S, layers: readonly Partial<v.InferOutput<S>>[]): v.InferOutput<S> {
  return parseOptions(schema, Object.assign({}, ...layers.toReversed()));
}

function parse<S extends Schema>(schema: S, input: unknown, whole: Schema, source: OptionSource): v.InferOutput<S> {
  const result = v.safeParse(v.pipe(record, schema), input, { abortEarly: true });
  if (result.success) return result.output;
  throw refusal(result.issues[0], whole, source);
}
