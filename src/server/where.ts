/** Used to know where a server is to listen: what `listen` says, or else `host`, `port` and `unix`. */
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { Place } from '../options/listen-type.ts';
import type { ServeSettings } from '../options/serve-options.ts';

/** What says where to listen. */
export type Where = Pick<ServeSettings, 'host' | 'port' | 'unix' | 'listen' | 'unixMode' | 'listenFds' | 'backlog'>;

/** Where to open sockets; if nothing is said, and there is no socket yet (`isNone`), on all interfaces and the usual port. */
export function placesIn({ host, port, unix, listen }: Where, isNone: boolean): readonly Place[] {
  if (listen !== undefined) return listen;
  const places: Place[] = [];
  if (host !== undefined || port !== undefined || (unix === undefined && isNone)) {
    places.push({ ...(host !== undefined && { host }), port: port ?? DEFAULT_PORT });
  }
  if (unix !== undefined) places.push({ unix });
  return places;
}

/** Whether anything is said. */
export function isTold({ host, port, unix, listen, listenFds = [] }: Where): boolean {
  return [host, port, unix, listen].some((option) => option !== undefined) || listenFds.length > 0;
}
