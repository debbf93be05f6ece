/** Used to find the address to listen on, and to say what to do where that fails; the same words for every engine. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HeddleError } from '../errors.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, errnoName } from '../sys/errno.ts';
import type { SocketAddress } from '../sys/sys.ts';

/** Calls `open` with the address that `host` and `port` mean: all interfaces if `host` is undefined. Errors: `HEDDLE_LISTEN`. */
export async function listenAt<Listening>(
  host: string | undefined,
  port: number,
  open: (address: SocketAddress) => Listening | Promise<Listening>,
): Promise<Listening> {
  if (host !== undefined) return open(await resolve(host, port));
  try {
    return await open({ family: 'IPv6', address: '::', port });
  } catch (error) {
    // A machine without IPv6 has no '::'.
    const { errno } = error as HeddleError;
    if (errno !== errnoName(EAFNOSUPPORT) && errno !== errnoName(EADDRNOTAVAIL)) throw error;
    return open({ family: 'IPv4', address: '0.0.0.0', port });
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

const ADVICE = new Map([
  [
    EADDRINUSE,
    'the port is in use. Stop the server that has it (to find it: ss -ltnp), or choose another port with --port (0 takes any free one)',
  ],
  [EACCES, 'no permission. Ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher port with --port'],
  [EADDRNOTAVAIL, 'this machine has no such address. Leave --host out to listen on all of them'],
]);

/** Says why nobody can listen there: `syscall` has answered `result`. */
export function listenError(syscall: string, result: number, { family, address, port }: SocketAddress): HeddleError {
  const all = address === '::' || address === '0.0.0.0';
  const where = family === 'IPv6' && !all ? `[${address}]:${port}` : `${all ? '*' : address}:${port}`;
  const errno = errnoName(result);
  const advice = ADVICE.get(result) ?? `the system said ${errno}`;
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on ${where}: ${advice}`, { errno, syscall });
}
