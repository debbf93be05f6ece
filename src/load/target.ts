/** Reads where the load goes, and looks its address up. */

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HeddleError } from '../errors.ts';
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { SocketAddress } from '../sys/sys.ts';

export interface Target {
  /** As it was given, for the report. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly unix: string | undefined;
  /** It speaks TLS, where others may not. */
  readonly isTls: boolean;
}

const LOOPBACK = '127.0.0.1';
const TLS = 'tls://';

/** Reads `host:port`, `:port`, `host`, `[::1]:port` or `unix:/path`, each also with `tls://` before it. Throws HEDDLE_INVALID_OPTION. */
export function parseTarget(text: string): Target {
  const isTls = text.startsWith(TLS);
  const place = isTls ? text.slice(TLS.length) : text;
  if (place.startsWith('unix:') && place.length > 'unix:'.length)
    return { name: text, host: LOOPBACK, port: DEFAULT_PORT, unix: place.slice('unix:'.length), isTls };
  const [, bracketed, plain = '', digits] = /^(?:\[([\da-fA-F:.%\w]+)\]|([\w.-]*))(?::(\d{1,5}))?$/.exec(place) ?? [];
  const host = bracketed ?? (plain === '' ? LOOPBACK : plain);
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  if (
    (bracketed ?? digits ?? plain) === '' ||
    port < 1 ||
    port > 65535 ||
    (bracketed !== undefined && isIP(bracketed) !== 6)
  ) {
    const expected = 'must be address:port, :port, [IPv6]:port or unix:/path, or one of these behind tls://';
    throw new HeddleError('HEDDLE_INVALID_OPTION', `A target ${expected}, got ${JSON.stringify(text)}`);
  }
  return { name: text, host, port, unix: undefined, isTls };
}

/** Gives the addresses that `target` may have, for sockets; none if its name is not known. */
export async function addressesOf({ host, port, unix }: Target): Promise<SocketAddress[]> {
  if (unix !== undefined) return [{ family: 'unix', address: unix, port: 0 }];
  try {
    const found = await lookup(host, { all: true });
    return found.map(({ address, family }) => ({ family: family === 6 ? 'IPv6' : 'IPv4', address, port }));
  } catch {
    return [];
  }
}

/** Whether `address` is on this machine for sure. */
export function isLoopback({ address, family }: SocketAddress): boolean {
  return family === 'unix' || address === '::1' || address.startsWith('127.');
}
