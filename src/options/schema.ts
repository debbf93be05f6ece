/** Describes a command's options once, in valibot: types, flags, environment names, help and docs follow. */

import * as v from 'valibot';
import type { OptionSource } from './source.ts';

/**
 * Where an option can be given: `anywhere` is library, flag, environment and config file; `command` is the same without
 * the library; `shell` is flag and environment; `file` is library and config file; `library` is code only.
 */
export type Reach = 'anywhere' | 'command' | 'shell' | 'file' | 'library';

const REACHES: Readonly<Record<OptionSource['from'], readonly Reach[]>> = {
  library: ['anywhere', 'file', 'library'],
  file: ['anywhere', 'file', 'command'],
  flags: ['anywhere', 'command', 'shell'],
  environment: ['anywhere', 'command', 'shell'],
};

/** What help and documentation say of an option. */
export type OptionNote = {
  /** What it does, as a phrase of the help text. */
  readonly help: string;
  /** How help and documentation show the default, where its own text would not do. */
  readonly preset?: string;
  /** `anywhere` if it is not said. */
  readonly reach?: Reach;
  /** The letter of its short flag; empty if it has none. */
  readonly short?: string;
};

/** The same of a type of option. */
type TypeNote = {
  /** How help and documentation show a value. */
  readonly form: string;
  /** As text it is several, separated by commas: its flag may be given several times. */
  readonly isList?: boolean;
  /** Turns the text of a flag or an environment variable into what the type takes; without it, the text as it is. */
  readonly fromText?: (text: string) => unknown;
};

/** One option has a default, which is read as if it had been given, or none. */
type Option = v.OptionalSchema<v.GenericSchema, unknown>;

/** The options of a command, by name. */
export type Schema = v.StrictObjectSchema<Readonly<Record<string, Option>>, undefined>;

/** Adds `note` to an option. */
export function option<Type extends Option>(type: Type, note: OptionNote) {
  return v.pipe(type, v.metadata(note));
}

/** Adds `note` to a type, as the end of its pipe. */
export function typeNote<Value>(note: TypeNote) {
  return v.metadata<Value, TypeNote>(note);
}

/** One option as help and documentation show it. */
export interface AboutOption extends Required<OptionNote>, TypeNote {
  readonly name: string;
}

/** Describes each option of `schema`. */
export function aboutOptions(schema: Schema): AboutOption[] {
  return Object.entries(schema.entries).map(([name, type]) => about(name, type));
}

/** The options of `schema` that can be given in `source`. */
export function optionsIn(schema: Schema, from: OptionSource['from']): AboutOption[] {
  return aboutOptions(schema).filter(({ reach }) => REACHES[from].includes(reach));
}

function about(name: string, type: Option): AboutOption {
  const preset = typeof type.default === 'string' || typeof type.default === 'number' ? `${type.default}` : '–';
  const [optionNote, valueNote] = [v.getMetadata(type) as OptionNote, v.getMetadata(type.wrapped) as TypeNote];
  return { name, preset, reach: 'anywhere', short: '', ...optionNote, ...valueNote };
}
