/** Opens the port where metrics and probes are asked for, and makes what answers at the control socket; bounded in clients, time and size. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { HeddleError } from '../errors.ts';
import type { NameOf } from '../options/source.ts';
import type { Controlled } from './control/controlled.ts';
import type { Watched } from './observed.ts';
import { answers, type RequestSettings } from './requests.ts';

/** How many connections there may be. More are closed as they come. */
export const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
/** How long a request's head, all of it, and the next one of a connection may take, in ms. */
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
/** How often these times are checked, in ms. */
const CHECK_INTERVAL_MS = 1_000;

export interface HttpPortSettings {
  readonly host: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly nameOf: NameOf;
}

export interface HttpPort {
  readonly address: { readonly host: string; readonly port: number };
  /** Ends at once, with all its connections. */
  close(): void;
}

/** Makes what answers, which listens nowhere yet. */
function httpServer(settings: RequestSettings): Server {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  };
  return createServer(limits, answers(settings));
}

/** What answers connections that somebody else accepts. */
export interface Answering {
  take(socket: Socket): void;
  close(): void;
}

/** Answers at the control socket, which is accepted from elsewhere: this is loaded with its first connection. */
export function answering(controlled: Controlled): Answering {
  const server = httpServer({ watched: controlled, controlled, hosts: [], hostsOption: 'localhost' });
  server.emit('listening'); // It begins to check the times of its connections.
  return {
    take: (socket) => void server.emit('connection', socket),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Errors: `HEDDLE_LISTEN`. */
export async function openHttpPort(
  watched: Watched,
  { host, hosts, nameOf, port }: HttpPortSettings,
): Promise<HttpPort> {
  const server = httpServer({ watched, hosts, hostsOption: nameOf('metricsHosts') });
  server.maxConnections = MAX_CONNECTIONS;
  await listening(server, host, port, nameOf);
  server.unref(); // It keeps no process alive.
  const { address, port: given } = server.address() as AddressInfo;
  return {
    address: { host: address, port: given },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listening(server: Server, host: string, port: number, nameOf: NameOf): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const text = `Cannot listen for metrics on ${host}:${port}: ${error.code ?? error.message}. Choose another place with ${nameOf('metrics')}`;
      const errno = error.code === undefined ? {} : { errno: error.code };
      reject(new HeddleError('HEDDLE_LISTEN', text, { cause: error, ...errno }));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      server.on('error', () => {}); // An accept that fails is the client's loss.
      resolve();
    });
  });
}
