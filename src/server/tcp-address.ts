/** Used to find the address to listen on, and to say what to do where that fails; the same words for every engine. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HeddleError } from '../errors.ts';
import type { NameOf } from '../options/source.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, errnoName } from '../sys/errno.ts';
import type { SocketAddress } from '../sys/sys.ts';

export interface TcpPlace {
  /** All interfaces if it is left out. */
  readonly host?: string;
  readonly port: number;
  /** It is one of the addresses in `listen`: then `::` is IPv6 only, since IPv4 is to be had beside it. */
  readonly isListed: boolean;
  /** How errors name options. */
  readonly nameOf: NameOf;
}

/** What is to be opened for a place. */
export interface TcpTarget {
  readonly address: SocketAddress;
  /** It is all interfaces: `::` has IPv4 as well. */
  readonly isAll: boolean;
  readonly isListed: boolean;
  readonly nameOf: NameOf;
}

const ALL_IPV6 = '::';
const ALL_IPV4 = '0.0.0.0';

/**
 * Calls `open` with what `place` means, unless `find` knows a socket that is open there: it is asked first, with the
 * address, or `undefined` for all interfaces.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listenAt<Listening>(
  { host, port, isListed, nameOf }: TcpPlace,
  open: (target: TcpTarget) => Listening | Promise<Listening>,
  find: (host: string | undefined) => Listening | undefined = () => undefined,
): Promise<Listening> {
  const wanted = host === undefined ? undefined : await resolve(host, port);
  const found = find(wanted?.address);
  if (found !== undefined) return found;
  if (wanted !== undefined) {
    const isWildcard = wanted.address === ALL_IPV6 || wanted.address === ALL_IPV4;
    return open({ address: wanted, isListed, nameOf, isAll: isWildcard && !isListed });
  }
  try {
    return await open({ address: { family: 'IPv6', address: ALL_IPV6, port }, isListed, nameOf, isAll: true });
  } catch (error) {
    // A machine without IPv6 has no '::'.
    const { errno } = error as HeddleError;
    if (errno !== errnoName(EAFNOSUPPORT) && errno !== errnoName(EADDRNOTAVAIL)) throw error;
    return open({ address: { family: 'IPv4', address: ALL_IPV4, port }, isListed, nameOf, isAll: true });
  }
}

async function resolve(host: string, port: number): Promise<SocketAddress> {
  const version = isIP(host);
  if (version !== 0) return { family: version === 6 ? 'IPv6' : 'IPv4', address: host, port };
  try {
    const { address, family } = await lookup(host);
    return { family: family === 6 ? 'IPv6' : 'IPv4', address, port };
  } catch (cause) {
    const message = `Cannot listen on ${host}:${port}: the name ${host} has no address here. Use an IP address of this machine`;
    throw new HeddleError('HEDDLE_LISTEN', message, { cause });
  }
}

const ADVICE = new Map<number, (target: TcpTarget) => string>([
  [
    EADDRINUSE,
    (target) =>
      `the port is in use. Stop the server that has it (to find it: ss -ltnp), or choose another port with ${portOption(target)} (0 takes any free one)`,
  ],
  [
    EACCES,
    (target) =>
      `no permission. Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher port with ${portOption(target)}`,
  ],
  [
    EADDRNOTAVAIL,
    ({ isListed, nameOf }) => {
      const all = isListed ? `Write no more than :PORT in ${nameOf('listen')}` : `Leave ${nameOf('host')} out`;
      return `this machine has no such address. ${all} to listen on all of them`;
    },
  ],
]);

/** What the port was given by, or can be. */
function portOption({ isListed, nameOf }: TcpTarget): string {
  return nameOf(isListed ? 'listen' : 'port');
}

/** Says why nobody can listen there: `syscall` has answered `result`. */
export function listenError(syscall: string, result: number, target: TcpTarget): HeddleError {
  const { address, isAll } = target;
  const { family, address: host, port } = address;
  const where = family === 'IPv6' && !isAll ? `[${host}]:${port}` : `${isAll ? '*' : host}:${port}`;
  const errno = errnoName(result);
  const advice = ADVICE.get(result)?.(target) ?? `the system said ${errno}`;
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on ${where}: ${advice}`, { errno, syscall });
}
