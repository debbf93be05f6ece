/** Used to give a command the flags of a schema, with their help text. */

import { type Command, Option } from 'commander';
import { optionsIn } from '../options/check.ts';
import type { Schema } from '../options/option.ts';
import { flagName } from '../options/source.ts';

/** Adds a flag for each option of `schema` that has one. Values are checked later, with those of the other sources. */
export function addFlags(command: Command, schema: Schema): Command {
  for (const [name, option] of optionsIn(schema, 'flags')) {
    const value = option.kind.form === 'boolean' ? '' : ` <${option.kind.form}>`;
    command.addOption(new Option(`${flagName(name)}${value}`, `${option.help} (default: ${option.presetText})`));
  }
  return command;
}
