/** Opens the socket of a connection, plain or with TLS. */

import { connect as connectPlain, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ConnectSettings } from '../options/connect-options.ts';
import { loadCertificates, loadPair } from '../options/tls/credentials.ts';
import type { NameOf } from '../options/source.ts';
import type { ConnectTlsOptions } from '../options/tls/tls-type.ts';

export interface Opening {
  readonly socket: Socket;
  /** The event with which it is ready. */
  readonly ready: 'connect' | 'secureConnect';
}

/**
 * Gives a function that begins to connect, when all that it takes has been read. TLS is loaded only when it is used.
 * Rejects with HEDDLE_INVALID_OPTION for a file that cannot be read or used.
 */
export async function openerFor({ host, port, tls, unix }: ConnectSettings, nameOf: NameOf): Promise<() => Opening> {
  const where = unix === undefined ? { host, port, noDelay: true } : { path: unix };
  const abstract = unix?.startsWith('@') === true ? await abstractOpener(unix) : undefined;
  if (tls === undefined) return () => ({ socket: abstract?.() ?? connectPlain(where), ready: 'connect' });
  const { connect } = await import('node:tls');
  const options = secureOptions(tls, nameOf);
  return () => {
    const socket = connect({ ...(abstract === undefined ? where : { socket: abstract() }), ...options });
    return { socket, ready: 'secureConnect' };
  };
}

async function abstractOpener(name: string): Promise<() => Socket> {
  const { connectAbstract } = await import('./abstract-socket.ts');
  return () => connectAbstract(name);
}

function secureOptions(tls: ConnectTlsOptions, nameOf: NameOf): ConnectionOptions {
  const { ca, cert, key, servername, rejectUnauthorized = true } = tls;
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized,
    ...(servername !== undefined && { servername }),
    ...(ca !== undefined && { ca: loadCertificates(ca, nameOf('tls', '.ca'), ignore) }),
    ...(cert !== undefined && key !== undefined && loadPair({ cert, key }, (part) => nameOf('tls', part), ignore)),
  };
}

/** The server says so, if it minds that a certificate has expired. */
function ignore(): void {}
