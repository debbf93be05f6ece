/** Defines the options of `heddle serve`: those of `serve`, and the command's own. */

import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { HeddleError } from '../errors.ts';
import { LOG_LEVELS } from '../log/level.ts';
import { LOG_FORMATS } from '../log/log.ts';
import { checkOptions, settle } from '../options/check.ts';
import { findConfigFile, readConfigFile } from '../options/config-file.ts';
import { readEnvironment } from '../options/environment.ts';
import { hasSocketFile, oneWay, refuseBothWays, refuseIdleMode } from '../options/listen-options.ts';
import { refuseProxiedHash } from '../options/proxied-placement.ts';
import { option } from '../options/schema.ts';
import { serveSchema } from '../options/serve-options.ts';
import type { NameOf, OptionSource } from '../options/source.ts';
import { TLS_STARTS } from '../options/tls/tls-type.ts';
import { choice, path, toggle } from '../options/values/value-types.ts';
import { clientCommandSchema } from './client/client-command-options.ts';
import { type NamedLayer, namesIn } from './option-names.ts';
import { resolveTls, tlsOptions } from './tls-options.ts';

export const serveCommandSchema = v.strictObject({
  ...serveSchema.entries,
  bytes: option(v.optional(toggle(), false), {
    help: 'reverse bytes, not characters (of the built-in service)',
    preset: 'off',
    reach: 'command',
  }),
  logLevel: option(v.optional(choice(LOG_LEVELS), 'info'), {
    help: 'what is printed: that, and what matters more',
    reach: 'command',
  }),
  quiet: option(v.optional(toggle(), false), {
    help: 'print warnings and errors only, as with the log level warn',
    preset: 'off',
    reach: 'command',
  }),
  logFormat: option(v.optional(choice(LOG_FORMATS), 'text'), { help: 'how events are printed', reach: 'command' }),
  watch: option(v.optional(toggle(), false), {
    help: 'load the service again when a file beside it changes',
    preset: 'off',
    reach: 'command',
  }),
  tlsCert: option(pemFile(), { help: 'certificate for TLS', reach: 'shell' }),
  tlsKey: option(pemFile(), { help: 'private key of the certificate', reach: 'shell' }),
  tlsCa: option(pemFile(), { help: 'certificates of the authorities that sign client certificates', reach: 'shell' }),
  tlsCrl: option(pemFile(), { help: 'lists of revoked client certificates', reach: 'shell' }),
  tlsRequestClientCert: option(v.optional(toggle()), {
    help: 'clients must show a certificate that an authority in --tls-ca signed',
    preset: 'off',
    reach: 'shell',
  }),
  tlsStart: option(v.optional(choice(TLS_STARTS)), {
    help: 'when TLS begins: with the connection, or when the service calls client.startTls()',
    preset: 'now',
    reach: 'shell',
  }),
  config: option(v.optional(path('must be the path of a .ts, .js, .mjs or .json file')), {
    help: 'file with options',
    preset: 'heddle.config.{ts,js,mjs,json}',
    reach: 'shell',
  }),
});

function pemFile() {
  return v.optional(path('must be the path of a PEM file'));
}

export type ServeCommandSettings = Readonly<v.InferOutput<typeof serveCommandSchema>>;
type Layer = Partial<ServeCommandSettings>;

export interface Invocation {
  /** The service that was named on the command line. */
  readonly service: string | undefined;
  /** The flags, by option name. */
  readonly flags: object;
  readonly environment: NodeJS.ProcessEnv;
  readonly directory: string;
  /** The command was started on a terminal: when that is closed, the server is to leave. */
  readonly hasTerminal?: boolean;
}

/** The settings of a command, and how an error names an option among them. */
export interface ServeCommand {
  readonly settings: ServeCommandSettings;
  readonly nameOf: NameOf;
  /** Whether an option was given, wherever. */
  readonly isGiven: (name: string) => boolean;
  /** The config file, as it was named or found; `undefined`: there is none. */
  readonly config: string | undefined;
}

/** Puts the options together: flags over environment over file over defaults. Throws HEDDLE_INVALID_OPTION. */
export async function readServeCommand(invocation: Invocation): Promise<ServeCommand> {
  const { service, flags, environment, directory } = invocation;
  const named: Layer = service === undefined ? {} : { service: pathToFileURL(resolve(directory, service)) };
  const fromFlags = inOneWay(checkOptions(serveCommandSchema, flags, { from: 'flags' }), { from: 'flags' });
  const fromEnvironment = inOneWay(readEnvironment(serveCommandSchema, environment, [clientCommandSchema]), {
    from: 'environment',
  });
  const layers: NamedLayer[] = [
    { source: { from: 'flags' }, given: fromFlags },
    { source: { from: 'environment' }, given: fromEnvironment },
  ];
  const config = fromFlags.config ?? fromEnvironment.config ?? findConfigFile(directory);
  const fromFile = config === undefined ? {} : await readFileLayer(config, directory, namesIn(layers)('config'));
  if (config !== undefined) layers.push({ source: { from: 'file', path: config }, given: fromFile });
  const nameOf = namesIn(layers);
  const isGiven = (name: string): boolean => layers.some(({ given }) => given[name as keyof Layer] !== undefined);
  refuseIdleMode([fromFlags, fromEnvironment, fromFile], nameOf);
  const settings = settle(serveCommandSchema, oneWay<Layer>([named, fromFlags, fromEnvironment, fromFile]));
  refuseIdle(settings, nameOf);
  refuseProxiedHash(settings, nameOf);
  // The socket that a mode was meant for may be one that a layer above has replaced.
  const unixMode = hasSocketFile(settings) ? settings.unixMode : undefined;
  return { settings: { ...settings, unixMode, tls: tlsOptions(settings, directory, nameOf) }, nameOf, isGiven, config };
}

/** Gives `layer` if it says in one way where to listen. */
function inOneWay(layer: Layer, source: OptionSource): Layer {
  refuseBothWays(layer, source);
  return layer;
}

function refuseIdle(settings: ServeCommandSettings, nameOf: NameOf): void {
  const isBuiltIn = settings.service === undefined;
  if (settings.bytes && !isBuiltIn) {
    throw new HeddleError(
      'HEDDLE_INVALID_OPTION',
      `${nameOf('bytes')} is for the built-in service; leave out either it or the service`,
    );
  }
  if (settings.quiet && settings.logLevel !== 'info') {
    const [quiet, level] = [nameOf('quiet'), nameOf('logLevel')];
    throw new HeddleError('HEDDLE_INVALID_OPTION', `${quiet} does not go with ${level}: leave out one of them`);
  }
  if (settings.watch && isBuiltIn) {
    throw new HeddleError('HEDDLE_INVALID_OPTION', `${nameOf('watch')} is for a service of your own; name its file`);
  }
}

/** A service, or a certificate, that the file names is found from the file, wherever the command is run. */
async function readFileLayer(config: string, directory: string, namedBy: string): Promise<Layer> {
  const values = await readConfigFile(config, directory, namedBy);
  const source = { from: 'file', path: config } as const;
  const layer = inOneWay(checkOptions(serveCommandSchema, values, source), source);
  const folder = resolve(directory, dirname(config));
  return {
    ...layer,
    ...(typeof layer.service === 'string' && { service: pathToFileURL(resolve(folder, layer.service)) }),
    ...(layer.tls !== undefined && { tls: resolveTls(layer.tls, folder) }),
  };
}
