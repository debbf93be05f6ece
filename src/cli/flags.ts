/** Gives a command the flags of a schema, with their help text. */

import { type Command, Option } from 'commander';
import { optionsIn, type Schema } from '../options/schema.ts';
import { flagName } from '../options/source.ts';
import { groupOptions } from './help-layout.ts';

/** How a schema says that an option has no default. */
const NONE = '–';

/** Adds a flag for each option of `schema` that has one. Values are checked later, with those of the other sources. */
export function addFlags(command: Command, schema: Schema): Command {
  for (const { name, help, form, isList, preset, short } of optionsIn(schema, 'flags')) {
    const value = form === 'boolean' ? '' : ` <${form}>`;
    const text = preset === NONE ? help : `${help} (default: ${preset})`;
    const letter = short === '' ? '' : `-${short}, `;
    const option = new Option(`${letter}${flagName(name)}${value}`, text);
    command.addOption(isList ? option.argParser(appended) : option);
  }
  groupOptions(command);
  return command;
}

/** A flag that is given again adds to the list. */
function appended(value: string, before: string | undefined): string {
  return before === undefined ? value : `${before},${value}`;
}
