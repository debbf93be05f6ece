/** Says at which address of this machine a client has connected. */
import { HeddleError } from '../../errors.ts';
import { errnoName } from '../../sys/errno.ts';
import { UNIX_PEER } from '../../sys/structs/socket-address.ts';
import type { LocalAddress } from '../client.ts';
import type { SocketCalls } from '../sockets.ts';
import { type CalledConnection, takeSlot } from './take-slot.ts';

/** An IPv4 address as a socket of IPv6 has it. */
const MAPPED = /^::ffff:(?=\d+\.)/;

/** By connection: it never changes. */
const known = new WeakMap<CalledConnection, LocalAddress>();

/**
 * `client.local`.
 *
 * Errors: `HEDDLE_CLOSED` if nobody has asked before the client was gone, or has moved.
 */
export function localOf(
  connection: CalledConnection & { readonly fd: number; closedError(): HeddleError },
  sys: Pick<SocketCalls, 'getsockname'>,
): LocalAddress {
  const before = known.get(connection);
  if (before !== undefined) return before;
  if (!takeSlot(connection)) throw connection.closedError();
  const name = sys.getsockname(connection.fd);
  if (typeof name === 'number') throw new HeddleError('HEDDLE_CLOSED', `the client is gone: ${errnoName(name)}`);
  const { address, family, port } = name;
  const local = family === 'unix' ? { address: UNIX_PEER, port: 0 } : { address: address.replace(MAPPED, ''), port };
  known.set(connection, local);
  return local;
}
