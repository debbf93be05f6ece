/** Resolves the TCP address to listen on, and says what to do where that fails; the same words for every engine. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HeddleError } from '../errors.ts';
import { formatAddress, isMapped, parseAddress } from '../ip-address.ts';
import type { NameOf } from '../options/source.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, errnoName } from '../sys/errno.ts';
import type { SocketAddress } from '../sys/sys.ts';
import type { ServerAddress } from './listening-socket.ts';
import { hostText, zoneNumber } from './zone.ts';

export interface TcpRequest {
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

/** Ports that are tried for a name with several addresses, where any will do. */
const MOST_TRIES = 20;

const ALL_IPV6 = '::';
const ALL_IPV4 = '0.0.0.0';

/** What listens, in whatever way. */
interface Opened {
  readonly address: ServerAddress;
  readonly close: () => void;
}

type Open<Listening> = (target: TcpTarget) => Listening | Promise<Listening>;
type Find<Listening> = (host: string | undefined, port: number) => Listening | undefined;

/**
 * Calls `open` with what `place` means: a name may have several addresses, which then share a port. `find` may know a socket
 * that is open there: it is asked first, with the address, or `undefined` for all interfaces.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listenAt<Listening extends Opened>(
  request: TcpRequest,
  open: Open<Listening>,
  find: Find<Listening> = () => undefined,
): Promise<readonly Listening[]> {
  const { host, port } = request;
  if (host === undefined) return [find(undefined, port) ?? (await openAll(request, open))];
  const addresses = await resolve(host, port);
  for (let tries = 1; ; tries++) {
    try {
      return await openEach(addresses, request, open, find);
    } catch (error) {
      // Port 0 of the first address was free, and is taken of another.
      const isTaken = (error as HeddleError).errno === errnoName(EADDRINUSE);
      if (!isTaken || port !== 0 || tries === MOST_TRIES) throw error;
    }
  }
}

async function openAll<Listening>({ port, isListed, nameOf }: TcpRequest, open: Open<Listening>): Promise<Listening> {
  try {
    return await open({ address: { family: 'IPv6', address: ALL_IPV6, port }, isListed, nameOf, isAll: true });
  } catch (error) {
    if (!isAbsent(error)) throw error; // A machine without IPv6 has no '::'.
    return open({ address: { family: 'IPv4', address: ALL_IPV4, port }, isListed, nameOf, isAll: true });
  }
}

/** Listens on all of `addresses` that this machine has, at least one, or on none. */
async function openEach<Listening extends Opened>(
  addresses: readonly SocketAddress[],
  { isListed, nameOf }: TcpRequest,
  open: Open<Listening>,
  find: Find<Listening>,
): Promise<readonly Listening[]> {
  const opened: Listening[] = [];
  let absent: unknown;
  for (const wanted of addresses) {
    const { port } = opened[0]?.address ?? wanted;
    const isAll = !isListed && (wanted.address === ALL_IPV6 || wanted.address === ALL_IPV4);
    try {
      opened.push(
        find(wanted.address, port) ?? (await open({ address: { ...wanted, port }, isListed, nameOf, isAll })),
      );
    } catch (error) {
      absent = error;
      if (isAbsent(error)) continue;
      for (const { close } of opened) close();
      throw error;
    }
  }
  if (opened.length === 0) throw absent;
  return opened;
}

/** Whether this machine does not have the address. */
function isAbsent(error: unknown): boolean {
  const { errno } = error as HeddleError;
  return errno === errnoName(EAFNOSUPPORT) || errno === errnoName(EADDRNOTAVAIL);
}

async function resolve(host: string, port: number): Promise<readonly SocketAddress[]> {
  const [text = '', zone] = host.split('%');
  if (isIP(text) !== 0)
    return [{ ...numeric(text), port, ...(zone !== undefined && { scope: scopeOf(host, zone, port) }) }];
  try {
    const found = await lookup(host, { all: true });
    const known = new Map(found.map(({ address, family }) => [address, family]));
    return [...known].map(([address, family]) => ({ family: family === 6 ? 'IPv6' : 'IPv4', address, port }));
  } catch (cause) {
    const message = `Cannot listen on ${host}:${port}: the name ${host} has no address here. Use an IP address of this machine`;
    throw new HeddleError('HEDDLE_LISTEN', message, { cause });
  }
}

/** An IPv4 address that is written as IPv6 is IPv4: no socket of IPv6 alone takes it. */
function numeric(text: string): Pick<SocketAddress, 'family' | 'address'> {
  const bytes = parseAddress(text);
  if (bytes === undefined || !isMapped(bytes)) return { family: 'IPv6', address: text };
  return { family: 'IPv4', address: formatAddress(bytes.subarray(12)) };
}

function scopeOf(host: string, zone: string, port: number): number {
  const scope = zoneNumber(zone);
  if (scope !== undefined) return scope;
  const advice = 'Use one that has an address of IPv6 (to list them: ip -6 address)';
  const message = `Cannot listen on [${host}]:${port}: there is no network interface ${zone} with IPv6. ${advice}`;
  throw new HeddleError('HEDDLE_LISTEN', message);
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
  const { family, port } = address;
  const host = hostText(address);
  const where = family === 'IPv6' && !isAll ? `[${host}]:${port}` : `${isAll ? '*' : host}:${port}`;
  const errno = errnoName(result);
  const advice = ADVICE.get(result)?.(target) ?? `the system said ${errno}`;
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on ${where}: ${advice}`, { errno, syscall });
}
