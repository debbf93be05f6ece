/** Used to describe one option once: its types, flag, environment name, help text and line of documentation follow. */

import type { Kind } from './kind.ts';

/**
 * Where an option can be given: `anywhere` is library, flag, environment and config file; `command` is the same without
 * the library; `shell` is flag and environment; `file` is library and config file; `library` is code only.
 */
export type Reach = 'anywhere' | 'command' | 'shell' | 'file' | 'library';

export interface Option<Input, Setting> {
  readonly kind: Kind<Input, Setting>;
  /** What it does, as a phrase of the help text. */
  readonly help: string;
  /** Gives the default; a function, since some depend on the machine. */
  readonly preset: () => Setting;
  /** How help and documentation show the default. */
  readonly presetText: string;
  readonly reach: Reach;
}

/** A table of options by name. */
export type Schema = Readonly<Record<string, Option<unknown, unknown>>>;

/** What a user may give, by option. */
export type OptionsOf<S> = {
  readonly [Name in keyof S]?: S[Name] extends Option<infer Input, infer _Setting> ? Input | undefined : never;
};

/** What the program gets, by option. */
export type SettingsOf<S> = {
  readonly [Name in keyof S]: S[Name] extends Option<infer _Input, infer Setting> ? Setting : never;
};

interface Description {
  readonly help: string;
  readonly reach?: Reach;
}

/** An option with a default; `text` says how documentation shows it, where its own text would not do. */
export function option<Input, Setting>(
  kind: Kind<Input, Setting>,
  preset: Setting | (() => Setting),
  description: Description & { readonly text: string },
): Option<Input, Setting> {
  const give = isFunction(preset) ? preset : () => preset;
  return {
    kind,
    help: description.help,
    preset: give,
    presetText: description.text,
    reach: description.reach ?? 'anywhere',
  };
}

function isFunction<T>(preset: T | (() => T)): preset is () => T {
  return typeof preset === 'function';
}

/** An option that is off, or left to others, unless it is given. */
export function optional<Input, Setting>(
  kind: Kind<Input, Setting>,
  description: Description & { readonly text?: string },
): Option<Input, Setting | undefined> {
  return option<Input, Setting | undefined>(kind, undefined, { text: '–', ...description });
}
