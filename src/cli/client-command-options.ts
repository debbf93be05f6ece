/** Used to say what `heddle client` can be told: the options of `connect`, and what only the command has. */

import type * as z from 'zod';
import { checkOptions, settle } from '../options/check.ts';
import { connectSchema, type ConnectSettings } from '../options/connect-options.ts';
import { readEnvironment } from '../options/environment.ts';
import { optionNotes } from '../options/schema.ts';
import type { NameOf } from '../options/source.ts';
import { path } from '../options/value-types.ts';
import { namesIn } from './option-names.ts';

export const clientCommandSchema = connectSchema.extend({
  tlsCa: path('must be the path of a PEM file').optional().register(optionNotes, {
    help: 'certificates of those who vouch for the server; with it, tls is on',
    preset: 'those that Node trusts',
    reach: 'shell',
  }),
});

interface ClientCommand {
  readonly settings: ConnectSettings;
  /** How an error names an option. */
  readonly nameOf: NameOf;
}

type ClientCommandSettings = Readonly<z.output<typeof clientCommandSchema>>;

/** Puts the options together: flags over environment over defaults. Throws HEDDLE_INVALID_OPTION. */
export function readClientCommand(flags: object, environment: NodeJS.ProcessEnv): ClientCommand {
  const fromFlags = checkOptions(clientCommandSchema, flags, { from: 'flags' });
  const fromEnvironment = readEnvironment(clientCommandSchema, environment);
  // Who says a host or a port means it, whatever the environment says.
  if (fromFlags.host !== undefined || fromFlags.port !== undefined) delete fromEnvironment.unix;
  const { tlsCa, ...settings }: ClientCommandSettings = settle(clientCommandSchema, [fromFlags, fromEnvironment]);
  const nameOf = namesIn([
    { source: { from: 'flags' }, given: fromFlags },
    { source: { from: 'environment' }, given: fromEnvironment },
  ]);
  return { settings: tlsCa === undefined ? settings : { ...settings, tls: { ...settings.tls, ca: tlsCa } }, nameOf };
}
