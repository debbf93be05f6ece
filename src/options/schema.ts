/** Used to describe a command's options once, in zod: types, flags, environment names, help and docs follow. */

import * as z from 'zod';
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

interface OptionNote {
  /** What it does, as a phrase of the help text. */
  readonly help: string;
  /** How help and documentation show the default, where its own text would not do. */
  readonly preset?: string;
  /** `anywhere` if it is not said. */
  readonly reach?: Reach;
}

interface TypeNote {
  /** How help and documentation show a value. */
  readonly form: string;
  /** As text it is several, separated by commas: its flag may be given several times. */
  readonly isList?: boolean;
  /** Turns the text of a flag or an environment variable into what the type takes; without it, the text as it is. */
  readonly fromText?: (text: string) => unknown;
}

/** What help and documentation say of an option. */
export const optionNotes = z.registry<OptionNote>();

/** The same of a type of option. */
export const typeNotes = z.registry<TypeNote>();

/** One option has a default (`prefault`) or none (`optional`). */
type Option = z.ZodOptional | z.ZodPrefault;

/** The options of a command, by name. */
export type Schema = z.ZodObject<Readonly<Record<string, Option>>>;

/** Makes the schema of a command's options; one that is unknown is refused. */
export function optionsSchema<Shape extends Schema['shape']>(shape: Shape) {
  return z.strictObject(shape, 'must be an object of options');
}

/** One option as help and documentation show it. */
export interface AboutOption {
  readonly name: string;
  readonly help: string;
  readonly form: string;
  readonly isList: boolean;
  readonly preset: string;
  readonly reach: Reach;
}

/** Describes each option of `schema`. */
export function aboutOptions(schema: Schema): AboutOption[] {
  return Object.entries(schema.shape).map(([name, option]) => {
    const { help = '', preset = presetText(option), reach = 'anywhere' } = optionNotes.get(option) ?? {};
    const { form = '', isList = false } = typeNotes.get(option.unwrap()) ?? {};
    return { name, help, preset, reach, form, isList };
  });
}

/** The options of `schema` that can be given in `source`. */
export function optionsIn(schema: Schema, from: OptionSource['from']): AboutOption[] {
  return aboutOptions(schema).filter(({ reach }) => REACHES[from].includes(reach));
}

function presetText(option: Option): string {
  return option instanceof z.ZodPrefault ? String(option.def.defaultValue) : '–';
}
