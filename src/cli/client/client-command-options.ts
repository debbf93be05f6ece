/** Defines the options of `heddle client`: those of `connect`, and the command's own. */

import * as v from 'valibot';
import { HeddleError } from '../../errors.ts';
import { checkOptions, settle } from '../../options/check.ts';
import { connectSchema, type ConnectSettings } from '../../options/connect-options.ts';
import { readEnvironment } from '../../options/environment.ts';
import { option } from '../../options/schema.ts';
import type { NameOf } from '../../options/source.ts';
import type { ConnectTlsOptions } from '../../options/tls/tls-type.ts';
import { path } from '../../options/values/value-types.ts';
import { namesIn } from '../option-names.ts';

/** The options of TLS that are files. */
export const tlsFileEntries = {
  tlsCa: option(pemFile(), {
    help: 'certificates of the authorities that sign server certificates; with it, tls is on',
    preset: 'those that Node trusts',
    reach: 'shell',
  }),
  tlsCert: option(pemFile(), {
    help: 'certificate to show, if the server asks for one; with it, tls is on',
    reach: 'shell',
  }),
  tlsKey: option(pemFile(), { help: 'private key of the certificate', reach: 'shell' }),
};

export const clientCommandSchema = v.strictObject({ ...connectSchema.entries, ...tlsFileEntries });

function pemFile() {
  return v.optional(path('must be the path of a PEM file'));
}

interface ClientCommand {
  readonly settings: ConnectSettings;
  /** How an error names an option. */
  readonly nameOf: NameOf;
}

interface TlsFlags {
  readonly tls?: ConnectTlsOptions | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/** Puts the options together: flags over environment over defaults. Throws HEDDLE_INVALID_OPTION. */
export function readClientCommand(flags: object, environment: NodeJS.ProcessEnv): ClientCommand {
  const fromFlags = checkOptions(clientCommandSchema, flags, { from: 'flags' });
  const fromEnvironment = readEnvironment(clientCommandSchema, environment);
  // Who says a host or a port means it, whatever the environment says.
  if (fromFlags.host !== undefined || fromFlags.port !== undefined) delete fromEnvironment.unix;
  const nameOf = namesIn([
    { source: { from: 'flags' }, given: fromFlags },
    { source: { from: 'environment' }, given: fromEnvironment },
  ]);
  const { tlsCa, tlsCert, tlsKey, ...settings } = settle(clientCommandSchema, [fromFlags, fromEnvironment]);
  const tls = tlsOf({ tls: settings.tls, tlsCa, tlsCert, tlsKey }, nameOf);
  return { settings: { ...settings, tls }, nameOf };
}

/** What each flag says of TLS is a part of `tls`. Throws HEDDLE_INVALID_OPTION for a certificate without its key. */
export function tlsOf({ tls, tlsCa, tlsCert, tlsKey }: TlsFlags, nameOf: NameOf): ConnectTlsOptions | undefined {
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    const [cert, key] = [nameOf('tls', '.cert'), nameOf('tls', '.key')];
    const text =
      tlsKey === undefined ? `${cert} needs ${key}: its private key` : `${key} needs ${cert}: its certificate`;
    throw new HeddleError('HEDDLE_INVALID_OPTION', text);
  }
  if (tlsCa === undefined && tlsCert === undefined) return tls;
  const pair = tlsCert !== undefined && tlsKey !== undefined && { cert: tlsCert, key: tlsKey };
  return { ...tls, ...(tlsCa !== undefined && { ca: tlsCa }), ...pair };
}
