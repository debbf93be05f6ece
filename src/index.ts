/** Exports the library. */
import type { Connection } from './client/connection.ts';
import type { CustomFraming } from './framing/framing.ts';
import type { ConnectOptions } from './options/connect-options.ts';
import type { ServeOptions } from './options/serve-options.ts';
import type { Server } from './server/server.ts';
import { requireOwnFiles } from './sys/own-files.ts';
import { tooFewFiles } from './sys/file-limit.ts';

export { HeddleError, type HeddleErrorCode } from './errors.ts';
export { defineService } from './connection/service.ts';
export { Counter } from './sharing/counter.ts';
export { latencyBounds } from './sharing/latency-buckets.ts';
export { Lock } from './sharing/lock.ts';

export type { Connection } from './client/connection.ts';
export type { Client, ClientTls, LocalAddress, StreamedClient } from './connection/client.ts';
export type { ReceiveOptions } from './connection/asked/receive-within.ts';
export type {
  BytesService,
  FramedService,
  Reply,
  ServiceThread,
  StreamService,
  TextService,
} from './connection/service.ts';
export type { CustomFraming, Decoded, FramingSpec, ServiceFraming } from './framing/framing.ts';
export type { HeadFraming } from './framing/head.ts';
export type { LengthField } from './framing/length-field.ts';
export type { ServerEvent } from './log/event.ts';
export type { ConnectOptions } from './options/connect-options.ts';
export type { ConnectTlsOptions, KeyPair, Pem, TlsOptions } from './options/tls/tls-type.ts';
export type { ServiceNeeds } from './options/needs.ts';
export type { ServeOptions } from './options/serve-options.ts';
export type { ServerAddress, TcpAddress, UnixAddress } from './listen/listening-socket.ts';
export type { Server, ServerState } from './server/server.ts';
export type { ServerStats, ThreadStats } from './admin/server-stats.ts';
export type { CloseReason } from './sharing/close-reason.ts';

// Every service imports this file, on every thread; what only main needs is loaded when it is asked for.

/**
 * Starts a server and resolves once clients can connect and be answered. May be called on the main thread or in a
 * worker; several servers may run in one process.
 *
 * Errors: `HEDDLE_INVALID_OPTION`, `HEDDLE_LISTEN` (port or socket in use, no permission), `HEDDLE_SERVICE_LOAD`,
 * `HEDDLE_UNSUPPORTED` (no engine can run here, or not the one that was asked for, or it cannot do what an option asks, or
 * too few files may be open, or too few threads started).
 */
export const serve = async (options?: ServeOptions): Promise<Server> => {
  requireOwnFiles(import.meta.url);
  return (await loaded(import('./server/server.ts'))).serve(options);
};

/**
 * Connects to a server, Heddle's or any other that speaks the same framing.
 *
 * Errors: `HEDDLE_INVALID_OPTION`, `HEDDLE_CONNECT`, `HEDDLE_TIMEOUT`.
 */
export async function connect<Received, Sent>(
  options: ConnectOptions & { readonly framing: CustomFraming<Received, Sent> },
): Promise<Connection<Received, Sent>>;
export async function connect(options?: ConnectOptions): Promise<Connection>;
export async function connect(options?: ConnectOptions): Promise<Connection> {
  return (await loaded(import('./client/connect.ts'))).connect(options);
}

/** Gives `module`; rejects with what to do where there are too few files to read it. */
async function loaded<Module>(module: Promise<Module>): Promise<Module> {
  return module.catch((error: unknown) => {
    throw tooFewFiles(error) ?? error;
  });
}
