/** Describes a listening socket: its address, and what must be done with it at the end. */
import type { SocketAddress } from '../sys/sys.ts';
import { hostText } from './zone.ts';

/** Where a server listens for TCP. `host` is `::` or `0.0.0.0` for all interfaces. */
export interface TcpAddress {
  readonly family: 'IPv4' | 'IPv6';
  readonly host: string;
  readonly port: number;
}

/** Where a server listens for clients of this machine. A name without a file begins with `@`. */
export interface UnixAddress {
  readonly family: 'unix';
  readonly path: string;
  readonly host: 'unix';
  readonly port: 0;
}

/** Where a server listens: `family` tells the two apart. */
export type ServerAddress = TcpAddress | UnixAddress;

/** A socket that clients can connect to. Main has its fd; the acceptor takes clients from it. */
export interface ListeningSocket {
  readonly fd: number;
  readonly address: ServerAddress;
  /** Another process has this socket as well, and may go on with it. */
  readonly isShared: boolean;
  /** Closes it, and takes away what is left of it in the file system. */
  readonly close: () => void;
}

export function serverAddress(name: SocketAddress): ServerAddress {
  const { family, address, port } = name;
  if (family !== 'unix') return { family, host: hostText(name), port };
  return { family, path: address.replace(/^\0/, '@'), host: 'unix', port: 0 };
}

/** Such as `127.0.0.1:4000`, `[::1]:4000`, `unix:/run/x.sock`. */
export function addressText(address: ServerAddress): string {
  if (address.family === 'unix') return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
