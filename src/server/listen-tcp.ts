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

/**
 * Opens a listening socket on `host` (all interfaces if undefined) and `port`. Clients can connect from then on; they
 * wait in the kernel until they are accepted. One of `heirlooms` that listens there already is taken instead.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listenTcp(
  sys: Sys,
  host: string | undefined,
  port: number,
  backlog: number,
  heirlooms?: Heirlooms,
): Promise<ListeningSocket> {
  const wanted = host === undefined ? undefined : await resolve(host, port);
  const found = heirlooms?.takeTcp(wanted?.address, port);
  if (found !== undefined) return found;
  if (wanted !== undefined) return open(sys, wanted, backlog);
  try {
    return open(sys, { family: 'IPv6', address: '::', port }, backlog);
  } catch (error) {
    // A machine without IPv6 has no '::'.
    const { errno } = error as HeddleError;
    if (errno !== errnoName(EAFNOSUPPORT) && errno !== errnoName(EADDRNOTAVAIL)) throw error;
    return open(sys, { family: 'IPv4', address: '0.0.0.0', port }, backlog);
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

function open(sys: Sys, address: SocketAddress, backlog: number): ListeningSocket {
  const v6 = address.family === 'IPv6';
  const fd = sys.socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw listenError('socket', fd, address);
  sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (v6) sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.address === '::' ? 0 : 1);
  // Accepted sockets inherit it: no call for each client.
  sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const bound = sys.bind(fd, address);
  const result = bound < 0 ? bound : sys.listen(fd, backlog);
  if (result < 0) {
    sys.close(fd);
    throw listenError(bound < 0 ? 'bind' : 'listen', result, address);
  }
  const name = sys.getsockname(fd) as SocketAddress;
  return { fd, address: serverAddress(name), isShared: false, close: () => void sys.close(fd) };
}

const ADVICE = new Map([
  [
    EADDRINUSE,
    'the port is in use. Stop the server that has it (to find it: ss -ltnp), or choose another port with --port (0 takes any free one)',
  ],
  [EACCES, 'no permission. Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher port with --port'],
  [EADDRNOTAVAIL, 'this machine has no such address. Leave --host out to listen on all of them'],
]);

function listenError(syscall: string, result: number, { family, address, port }: SocketAddress): HeddleError {
  const all = address === '::' || address === '0.0.0.0';
  const where = family === 'IPv6' && !all ? `[${address}]:${port}` : `${all ? '*' : address}:${port}`;
  const errno = errnoName(result);
  const advice = ADVICE.get(result) ?? `the system said ${errno}`;
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on ${where}: ${advice}`, { errno, syscall });
}
