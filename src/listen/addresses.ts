/** Decides where a server listens: at what `listen` says, or at `host`, `port` and `unix`. */
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { ListenAddress } from '../options/values/listen-type.ts';
import type { ServeSettings } from '../options/serve-options.ts';

/** What says where to listen. */
export type ListenSettings = Pick<
  ServeSettings,
  'host' | 'port' | 'unix' | 'listen' | 'unixMode' | 'listenFds' | 'backlog'
>;

/** Where to open sockets; if nothing is said, and there is no socket yet (`isNone`), on all interfaces and the usual port. */
export function listenAddresses(
  { host, port, unix, listen }: ListenSettings,
  isNone: boolean,
): readonly ListenAddress[] {
  if (listen !== undefined) return listen;
  const addresses: ListenAddress[] = [];
  if (host !== undefined || port !== undefined || (unix === undefined && isNone)) {
    addresses.push({ ...(host !== undefined && { host }), port: port ?? DEFAULT_PORT });
  }
  if (unix !== undefined) addresses.push({ unix });
  return addresses;
}

/** Whether anything is said. */
export function isGiven({ host, port, unix, listen, listenFds = [] }: ListenSettings): boolean {
  return [host, port, unix, listen].some((option) => option !== undefined) || listenFds.length > 0;
}
