/** Used to check options against a schema: unknown and bad ones are refused by name, before anything starts. */

import { HeddleError } from '../errors.ts';
import { Expected } from './expected.ts';
import { nearestName } from './nearest-name.ts';
import type { Option, OptionsOf, Reach, Schema, SettingsOf } from './option.ts';
import { LIBRARY, nameIn, type OptionSource } from './source.ts';

const REACHES: Readonly<Record<OptionSource['from'], readonly Reach[]>> = {
  library: ['anywhere', 'file', 'library'],
  file: ['anywhere', 'file', 'command'],
  flags: ['anywhere', 'command', 'shell'],
  environment: ['anywhere', 'command', 'shell'],
};

/** The options of `schema` that can be given in `source`, by name. */
export function optionsIn(schema: Schema, from: OptionSource['from']): [string, Option<unknown, unknown>][] {
  return Object.entries(schema).filter(([, option]) => REACHES[from].includes(option.reach));
}

/** Checks the options of one source; gives the settings of those that are present. Throws HEDDLE_INVALID_OPTION. */
export function checkOptions<S extends Schema>(schema: S, input: unknown, source: OptionSource): Partial<SettingsOf<S>>;
export function checkOptions(schema: Schema, input: unknown, source: OptionSource): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const whole = source.from === 'file' ? source.path : 'options';
    throw invalid(`${whole} must be an object of options, got ${show(input, source)}`);
  }
  const known = new Map(optionsIn(schema, source.from));
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    const option = known.get(name);
    if (option === undefined) throw unknownOption(schema, name, [...known.keys()], source);
    if (value !== undefined) settings[name] = readOption(option, name, value, source);
  }
  return settings;
}

/** Merges `layers`, the first that has an option winning, over the defaults. */
export function settle<S extends Schema>(schema: S, layers: readonly Partial<SettingsOf<S>>[]): SettingsOf<S>;
export function settle(schema: Schema, layers: readonly Record<string, unknown>[]): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(schema)) {
    const layer = layers.find((each) => each[name] !== undefined);
    settings[name] = layer === undefined ? option.preset() : layer[name];
  }
  return settings;
}

/** Checks options given in code and fills in the defaults. Throws HEDDLE_INVALID_OPTION. */
export function parseOptions<S extends Schema>(schema: S, input: OptionsOf<S> | undefined): SettingsOf<S> {
  return settle(schema, [checkOptions(schema, input ?? {}, LIBRARY)]);
}

function readOption(option: Option<unknown, unknown>, name: string, value: unknown, source: OptionSource): unknown {
  const isText = source.from === 'flags' || source.from === 'environment';
  const given = isText && typeof value === 'string' ? (option.kind.fromText?.(value) ?? value) : value;
  try {
    return option.kind.read(given);
  } catch (error) {
    if (error instanceof HeddleError) throw invalid(error.message.replace(`options.${name}`, nameIn(source, name)));
    if (!(error instanceof Expected)) throw error;
    const got = error.path === '' ? given : error.value;
    throw invalid(`${nameIn(source, name, error.path)} must be ${error.expected}, got ${show(got, source)}`);
  }
}

function unknownOption(schema: Schema, name: string, known: readonly string[], source: OptionSource): HeddleError {
  const full = nameIn(source, name);
  if (Object.hasOwn(schema, name)) return invalid(`${full} cannot be given here; see docs/options.md for where it can`);
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return invalid(`${full} is not an option${hint === '' ? `; the options are ${known.join(', ')}` : hint}`);
}

function invalid(message: string): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', message);
}

/** Shows a value in an error: short, on one line, and numbers in text without quotes. */
function show(value: unknown, source: OptionSource): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  const isText = source.from === 'flags' || source.from === 'environment';
  if (isText && typeof value === 'string' && /^-?[\d.]+$/.test(value)) return value;
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
