/** Used to check the options of a source against a schema, and to merge those of several. */

import type * as z from 'zod';
import { refusal } from './refusal.ts';
import { optionsIn, type Schema, typeNotes } from './schema.ts';
import { isText, LIBRARY, type OptionSource } from './source.ts';

/** Checks options given in code and fills in the defaults. Throws HEDDLE_INVALID_OPTION. */
export function parseOptions<S extends Schema>(schema: S, input: unknown): z.output<S> {
  return parse(schema, input ?? {}, schema, LIBRARY);
}

/** Checks the options of one source; gives the settings of those that are present. Throws HEDDLE_INVALID_OPTION. */
export function checkOptions<S extends Schema>(schema: S, input: unknown, source: OptionSource): Partial<z.output<S>>;
export function checkOptions(schema: Schema, input: unknown, source: OptionSource): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return parse(schema, input, schema, source);
  const isKnown = (name: string) => Object.hasOwn(schema.shape, name);
  const entries = Object.entries(input).filter(([name, value]) => value !== undefined || !isKnown(name));
  const given = Object.fromEntries(entries.map(([name, value]) => [name, fromText(schema, name, value, source)]));
  const allowed = optionsIn(schema, source.from).filter(({ name }) => Object.hasOwn(given, name));
  const mask: Record<string, true> = Object.fromEntries(allowed.map(({ name }) => [name, true]));
  return parse(schema.pick(mask), given, schema, source);
}

/** Merges `layers`, the first that has an option winning, over the defaults. */
export function settle<S extends Schema>(schema: S, layers: readonly Partial<z.output<S>>[]): z.output<S> {
  return parseOptions(schema, Object.assign({}, ...layers.toReversed()));
}

function parse<S extends Schema>(schema: S, input: unknown, whole: Schema, source: OptionSource): z.output<S> {
  const result = schema.safeParse(input, { jitless: true });
  if (result.success) return result.data;
  throw refusal(result.error, input, whole, source);
}

function fromText(schema: Schema, name: string, value: unknown, source: OptionSource): unknown {
  if (!isText(value, source)) return value;
  const type = Object.hasOwn(schema.shape, name) ? schema.shape[name]?.unwrap() : undefined;
  return (type && typeNotes.get(type)?.fromText?.(value)) ?? value;
}
