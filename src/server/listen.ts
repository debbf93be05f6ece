/** Used to open all the sockets that a server listens on. */
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { Place } from '../options/listen-type.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { Sys } from '../sys/sys.ts';
import { adoptSocket } from './adopt-socket.ts';
import { listenTcp } from './listen-tcp.ts';
import { listenUnix } from './listen-unix.ts';
import type { ListeningSocket } from './listening-socket.ts';

type Where = Pick<ServeSettings, 'host' | 'port' | 'unix' | 'listen' | 'unixMode' | 'listenFds' | 'backlog'>;

/**
 * Opens the sockets that `where` asks for, at least one; those of TCP come first. If one cannot be opened, none stays.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listen(sys: Sys, where: Where): Promise<readonly ListeningSocket[]> {
  const { listen: listed, unixMode, listenFds = [], backlog } = where;
  const sockets: ListeningSocket[] = [];
  try {
    for (const fd of listenFds) sockets.push(adoptSocket(sys, fd));
    for (const place of listed ?? singlePlaces(where)) {
      const isListed = listed !== undefined;
      if ('unix' in place) sockets.push(listenUnix(sys, { path: place.unix, mode: unixMode, isListed }, backlog));
      else sockets.push(await listenTcp(sys, { ...place, isListed }, backlog));
    }
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const isUnix = ({ address }: ListeningSocket) => address.family === 'unix';
  return [...sockets.filter((socket) => !isUnix(socket)), ...sockets.filter(isUnix)];
}

/** What `host`, `port` and `unix` say; all interfaces and the usual port if they, and `listenFds`, say nothing. */
function singlePlaces({ host, port, unix, listenFds = [] }: Where): Place[] {
  const places: Place[] = [];
  if (host !== undefined || port !== undefined || (unix === undefined && listenFds.length === 0)) {
    places.push({ ...(host !== undefined && { host }), port: port ?? DEFAULT_PORT });
  }
  if (unix !== undefined) places.push({ unix });
  return places;
}
