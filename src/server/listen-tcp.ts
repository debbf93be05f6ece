/** Used to open a listening socket of TCP, with an error that says what to do where that fails. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HeddleError } from '../errors.ts';
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../sys/constants.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, errnoName } from '../sys/errno.ts';
import type { SocketAddress, Sys } from '../sys/sys.ts';
import type { Heirlooms } from './heirlooms.ts';
import { type ListeningSocket, serverAddress } from './listening-socket.ts';

interface TcpPlace {
  /** All interfaces if it is left out. */
  readonly host?: string;
  readonly port: number;
  /** It is one of the addresses in `listen`: then `::` is IPv6 only, since IPv4 is to be had beside it. */
  readonly isListed: boolean;
}

/**
 * Opens a listening socket. Clients can connect from then on; they wait in the kernel until they are accepted. One of
 * `heirlooms` that listens there already is taken instead.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listenTcp(
  sys: Sys,
  place: TcpPlace,
  backlog: number,
  heirlooms?: Heirlooms,
): Promise<ListeningSocket> {
  const { host, port, isListed } = place;
  const wanted = host === undefined ? undefined : await resolve(host, port);
  const found = heirlooms?.takeTcp(wanted?.address, port);
  if (found !== undefined) return found;
  if (wanted !== undefined) return open(sys, wanted, { backlog, isListed, isAll: !isListed });
  const options = { backlog, isListed, isAll: true };
  try {
    return open(sys, { family: 'IPv6', address: '::', port }, options);
  } catch (error) {
    // A machine without IPv6 has no '::'.
    const { errno } = error as HeddleError;
    if (errno !== errnoName(EAFNOSUPPORT) && errno !== errnoName(EADDRNOTAVAIL)) throw error;
    return open(sys, { family: 'IPv4', address: '0.0.0.0', port }, options);
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

interface OpenOptions {
  readonly backlog: number;
  readonly isListed: boolean;
  /** `::` has IPv4 as well. */
  readonly isAll: boolean;
}

function open(sys: Sys, address: SocketAddress, options: OpenOptions): ListeningSocket {
  const v6 = address.family === 'IPv6';
  const fd = sys.socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw listenError('socket', fd, address, options);
  sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (v6) sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.address === '::' && options.isAll ? 0 : 1);
  // Accepted sockets inherit it: no call for each client.
  sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const bound = sys.bind(fd, address);
  const result = bound < 0 ? bound : sys.listen(fd, options.backlog);
  if (result < 0) {
    sys.close(fd);
    throw listenError(bound < 0 ? 'bind' : 'listen', result, address, options);
  }
  const name = sys.getsockname(fd) as SocketAddress;
  return { fd, address: serverAddress(name), isShared: false, close: () => void sys.close(fd) };
}

/** `flag` is the option that the address was given by. */
const ADVICE = new Map<number, (flag: string) => string>([
  [
    EADDRINUSE,
    (flag) =>
      `the port is in use. Stop the server that has it (to find it: ss -ltnp), or choose another port with ${flag} (0 takes any free one)`,
  ],
  [EACCES, (flag) => `no permission. Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher port with ${flag}`],
  [
    EADDRNOTAVAIL,
    (flag) => {
      const all = flag === '--listen' ? 'Write no more than :PORT in --listen' : 'Leave --host out';
      return `this machine has no such address. ${all} to listen on all of them`;
    },
  ],
]);

function listenError(syscall: string, result: number, at: SocketAddress, options: OpenOptions): HeddleError {
  const { family, address, port } = at;
  const all = options.isAll && (address === '::' || address === '0.0.0.0');
  const where = family === 'IPv6' && !all ? `[${address}]:${port}` : `${all ? '*' : address}:${port}`;
  const errno = errnoName(result);
  const advice = ADVICE.get(result)?.(options.isListed ? '--listen' : '--port') ?? `the system said ${errno}`;
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on ${where}: ${advice}`, { errno, syscall });
}
