/** Reads a list of listen addresses: `127.0.0.1:12345`, `[::1]:12345`, `:12345`, `unix:/run/x.sock`. */

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { parseAddress } from '../../ip-address.ts';
import { LONGEST_UNIX_PATH } from '../../sys/structs/socket-address.ts';
import { typeNote } from '../schema.ts';
import { show } from '../show.ts';
import { addressText, plainText } from './address-text.ts';
import { refuse } from './value-types.ts';

/** A port of an address, or without `host` of all addresses of this machine. */
interface PortAddress {
  readonly host?: string;
  readonly port: number;
}

/** The path of a Unix socket. */
interface PathAddress {
  readonly unix: string;
}

/** One place to listen at. */
export type ListenAddress = PortAddress | PathAddress;

/** In code an array, as text separated by commas. */
type ListenInput = string | readonly (string | ListenAddress)[];

const EXPECTED = `must be addresses such as 127.0.0.1:12345, [::1]:12345, :12345 and unix:/run/x.sock (a path of at most ${LONGEST_UNIX_PATH} bytes)`;

/** All addresses of a family, as a host. */
const WILDCARDS = new Map([
  ['0.0.0.0', 4],
  ['::', 6],
]);

export function listenList(): v.GenericSchema<ListenInput, readonly ListenAddress[]> {
  return v.pipe(
    v.custom<ListenInput>((given) => typeof given === 'string' || (Array.isArray(given) && given.length > 0), EXPECTED),
    v.transform((given) =>
      // An array may have holes, which `map` would keep.
      typeof given === 'string' ? given.split(',').map((text) => text.trim()) : Array.from(given, textOf),
    ),
    v.rawTransform((context): readonly ListenAddress[] => {
      const texts = context.dataset.value;
      const addresses = texts.map(parseAddressText);
      const wrong = texts[addresses.indexOf(undefined)];
      if (wrong !== undefined) return refuse(context, `${EXPECTED}, got ${JSON.stringify(wrong.slice(0, 120))}`);
      const known = addresses.filter((address) => address !== undefined);
      const problem = rivalry(known);
      return problem === undefined ? known : refuse(context, problem);
    }),
    typeNote({ form: 'address:port,unix:path', isList: true }),
  );
}

/** Writes a place as it is given; settings are options too, so a place that was read is one. */
function textOf(given: unknown): string {
  if (typeof given !== 'object' || given === null) return plainText(given);
  const { unix, host = '', port } = given as Partial<Record<'unix' | 'host' | 'port', unknown>>;
  if (typeof unix === 'string') return `unix:${unix}`;
  return addressText(host, port) ?? show(given);
}

function parseAddressText(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) return parsePath(text.slice('unix:'.length));
  const [, v6, name, digits] = /^(?:\[([^\]]+)\]|([\w.-]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port <= 65_535) || (v6 !== undefined && isIP(v6) !== 6)) return undefined;
  const host = v6 ?? name;
  return host === '' || host === undefined ? { port } : { host, port };
}

function parsePath(unix: string): PathAddress | undefined {
  const length = Buffer.byteLength(unix);
  return length > 0 && length <= LONGEST_UNIX_PATH && !unix.includes('\0') ? { unix } : undefined;
}

/** Says which two of `places` cannot both be had, being the same or one a part of the other. */
function rivalry(addresses: readonly ListenAddress[]): string | undefined {
  for (const [index, address] of addresses.entries()) {
    const others = addresses.slice(index + 1);
    const same = others.find((other) => covers(address, other) && covers(other, address));
    if (same !== undefined) return `has ${textOf(same)} twice`;
    const part = others.find((other) => covers(address, other) || covers(other, address));
    if (part === undefined) continue;
    const [whole, piece] = covers(address, part) ? [address, part] : [part, address];
    return `has ${textOf(piece)} beside ${textOf(whole)}, which it is a part of: leave out one`;
  }
  return undefined;
}

/** Whether who connects to `other` could be meant for `place`. Names may be any address; the kernel will know. */
function covers(address: ListenAddress, other: ListenAddress): boolean {
  if ('unix' in address || 'unix' in other)
    return 'unix' in address && 'unix' in other && pathKey(address.unix) === pathKey(other.unix);
  if (address.port !== other.port || address.port === 0) return false;
  if (address.host === undefined) return true;
  if (other.host === undefined) return false;
  return hostKey(address.host) === hostKey(other.host) || WILDCARDS.get(address.host) === isIP(other.host);
}

/** `@name` is no path. */
function pathKey(path: string): string {
  return path.startsWith('@') ? path : resolve(path);
}

function hostKey(host: string): string {
  return parseAddress(host)?.join() ?? host.toLowerCase();
}
