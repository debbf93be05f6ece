/** Reads what a service needs of a server's options, and gives it where nothing else was asked for. */
import { isDeepStrictEqual } from 'node:util';
import { HeddleError } from '../errors.ts';
import { checkOptions } from './check.ts';
import { type ServeOptions, type ServeSettings, serveSchema } from './serve-options.ts';
import { show } from './show.ts';
import { LIBRARY, type NameOf } from './source.ts';
import { formatDuration } from './values/duration.ts';
import { formatSize } from './values/size.ts';

/** What a service may need, and which other values do as well: `within` a range, `least` and more, `most` and less, `any`. */
const FITS = {
  threads: 'within',
  clientsPerThread: 'most',
  engine: 'same',
  framing: 'same',
  maxMessageLength: 'least',
  maxUnsent: 'least',
  maxClientState: 'least',
  idleTimeout: 'least',
  messageTimeout: 'least',
  sendTimeout: 'least',
  handlerTimeout: 'least',
  rate: 'any',
} as const;

type NeededOption = keyof typeof FITS;

/** What a service needs of a server's options: those that nobody gives are as it says, and others that do not do are refused. */
export type ServiceNeeds = Readonly<Partial<Pick<ServeOptions, NeededOption>>>;

/** Whether a service may need the option `name`. */
export function canBeNeeded(name: string): name is NeededOption {
  return Object.hasOwn(FITS, name);
}

/**
 * Gives `options` with what the service at `path` needs where they say nothing. `nameOf` names options in errors.
 *
 * Errors: `HEDDLE_SERVICE_LOAD` if `needs` cannot be read, or an option was given that does not do.
 */
export function withNeeds(options: ServeOptions, needs: object, path: string, nameOf: NameOf): ServeOptions {
  const refused = (why: string): HeddleError =>
    new HeddleError('HEDDLE_SERVICE_LOAD', `Cannot use the service ${path}: ${why}`);
  const needed = read(needs, refused);
  const given = checkOptions(serveSchema, options, LIBRARY);
  const missing: [string, unknown][] = [];
  for (const [name, value] of Object.entries(needed)) {
    if (!canBeNeeded(name)) continue;
    const has = name === 'engine' && given.engine === 'auto' ? undefined : given[name];
    if (has === undefined) missing.push([name, value]);
    else if (!does(name, has, value)) {
      const text = `it needs ${name} ${wanted(name, value)}, and ${nameOf(name)} is ${shown(name, has)}`;
      throw refused(`${text}: leave that option out, or give it as the service needs it`);
    }
  }
  return { ...options, ...Object.fromEntries(missing) };
}

function read(needs: object, refused: (why: string) => HeddleError): Partial<ServeSettings> {
  const unknown = Object.keys(needs).find((name) => !canBeNeeded(name));
  if (unknown !== undefined) {
    throw refused(`it cannot need ${show(unknown)}; it can need ${Object.keys(FITS).join(', ')}`);
  }
  try {
    return checkOptions(serveSchema, needs, LIBRARY);
  } catch (error) {
    throw refused((error as Error).message.replace(/^options\./, 'its needs.'));
  }
}

function does(name: NeededOption, has: unknown, needed: unknown): boolean {
  const fit = FITS[name];
  if (fit === 'any') return true;
  if (fit === 'same') return isDeepStrictEqual(has, needed);
  if (fit === 'within') {
    const [inner, outer] = [has, needed] as ServeSettings['threads'][];
    return inner !== undefined && outer !== undefined && inner.min >= outer.min && inner.max <= outer.max;
  }
  return fit === 'least' ? Number(has) >= Number(needed) : Number(has) <= Number(needed);
}

function wanted(name: NeededOption, needed: unknown): string {
  const fit = FITS[name];
  const text = shown(name, needed);
  if (needed === Infinity) return text;
  return fit === 'least' ? `of at least ${text}` : fit === 'most' ? `of at most ${text}` : text;
}

function shown(name: NeededOption, value: unknown): string {
  if (name === 'threads') {
    const { max, min } = value as ServeSettings['threads'];
    return min === max ? `${min}` : `${min}..${max}`;
  }
  if (name.endsWith('Timeout')) return formatDuration(value as number);
  return name.startsWith('max') ? formatSize(value as number) : typeof value === 'string' ? value : show(value);
}
