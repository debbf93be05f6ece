/** The door of the library. */
import type { Connection } from './client/connection.ts';
import type { ConnectOptions } from './options/connect-options.ts';
import type { ServeOptions } from './options/serve-options.ts';
import type { Server } from './server/server.ts';

export { HeddleError } from './errors.ts';
export { defineService } from './connection/service.ts';
export { Counter } from './sharing/counter.ts';
export { Lock } from './sharing/lock.ts';

// Every service imports this file, on every thread; what only main needs is loaded when it is asked for.
export const serve = async (options?: ServeOptions): Promise<Server> =>
  (await import('./server/server.ts')).serve(options);
export const connect = async (options?: ConnectOptions): Promise<Connection> =>
  (await import('./client/connect.ts')).connect(options);
