/** Clients of Node's own that speak TLS to a server under test. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect } from 'node:tls';
import { Peer } from '../server/peer.ts';
import type { Pair } from './certificates.ts';

/** Connects and resolves when the handshake is done; `authority` signed the server's certificate. */
export async function connectTls(
  port: number,
  authority: Pair,
  options: Partial<ConnectionOptions> = {},
): Promise<Peer> {
  const ca = readFileSync(authority.cert);
  const about: ConnectionOptions & { allowHalfOpen: true } = {
    servername: 'server',
    ca,
    allowHalfOpen: true,
    ...options,
  };
  const socket = connect(port, '127.0.0.1', about);
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return new Peer(socket);
}
