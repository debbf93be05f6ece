/** Allows one way only to say where a server listens: `listen`, or `host`, `port` and `unix`. */

import { HeddleError } from '../errors.ts';
import type { ListenAddress } from './values/listen-type.ts';
import { type NameOf, nameIn, type OptionSource } from './source.ts';

/** What `listen` stands instead of. */
const SINGLE = ['host', 'port', 'unix'] as const;

/** All options that say where to listen, by their names. */
export const LISTEN_OPTIONS = ['listen', ...SINGLE] as const;

type ListenOptions = Partial<Record<(typeof SINGLE)[number], unknown>> & {
  readonly listen?: readonly ListenAddress[] | undefined;
  readonly unixMode?: number | undefined;
};

/** Throws HEDDLE_INVALID_OPTION if `settings`, given in `source`, say it in both ways. */
export function refuseBothWays(settings: ListenOptions, source: OptionSource): void {
  const single = SINGLE.find((name) => settings[name] !== undefined);
  if (settings.listen === undefined || single === undefined) return;
  const [many, one] = [nameIn(source, 'listen'), nameIn(source, single)];
  throw new HeddleError(
    'HEDDLE_INVALID_OPTION',
    `${many} does not go with ${one}: say all of it in ${many}, or leave ${many} out`,
  );
}

/** Throws HEDDLE_INVALID_OPTION if one of `layers` says who may connect to a Unix socket, and none has any. */
export function refuseIdleMode(layers: readonly ListenOptions[], nameOf: NameOf): void {
  if (!layers.some(({ unixMode }) => unixMode !== undefined) || layers.some(hasSocketFile)) return;
  const [mode, unix] = [nameOf('unixMode'), nameOf('unix')];
  const hasName = layers.some((layer) => unixPaths(layer).length > 0);
  const why = hasName
    ? `is for a Unix socket with a file, and a name with @ has none: leave ${mode} out`
    : `is for a Unix socket, and there is none: name its path with ${unix}, or leave ${mode} out`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', `${mode} ${why}`);
}

/** Whether one of the places to listen at is a Unix socket that has a file: `@name` has none. */
export function hasSocketFile(settings: ListenOptions): boolean {
  return unixPaths(settings).some((path) => !path.startsWith('@'));
}

function unixPaths({ unix, listen = [] }: ListenOptions): string[] {
  const paths = [unix, ...listen.map((address) => ('unix' in address ? address.unix : undefined))];
  return paths.filter((path) => typeof path === 'string');
}

/** Takes from `layers`, the first of which counts most, what a layer above says in the other way. */
export function oneWay<Layer extends ListenOptions>(layers: readonly Layer[]): Layer[] {
  const above = layers.find((layer) => LISTEN_OPTIONS.some((name) => layer[name] !== undefined));
  const dropped = above === undefined ? [] : above.listen === undefined ? (['listen'] as const) : SINGLE;
  return layers.map((layer) => {
    const kept = { ...layer };
    for (const name of dropped) delete kept[name];
    return kept;
  });
}
