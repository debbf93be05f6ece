/** Used to open all the sockets that a server listens on. */
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { Place } from '../options/listen-type.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { Sys } from '../sys/sys.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { Heirlooms } from './heirlooms.ts';
import { listenTcp } from './listen-tcp.ts';
import { listenUnix } from './listen-unix.ts';
import type { ListeningSocket } from './listening-socket.ts';

type Where = Pick<ServeSettings, 'host' | 'port' | 'unix' | 'listen' | 'unixMode' | 'listenFds' | 'backlog'>;

/**
 * Opens the sockets that `where` asks for, at least one; those of TCP come first. If one cannot be opened, none stays.
 * With `heirlooms`, sockets that are among these are taken, and the others given up; where `where` says nothing, all are taken.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listen(sys: Sys, where: Where, heirlooms?: Heirlooms): Promise<readonly ListeningSocket[]> {
  const { listen: listed, unixMode, listenFds = [], backlog } = where;
  const isListed = listed !== undefined;
  const sockets: ListeningSocket[] = [];
  try {
    if (!isTold(where) && heirlooms !== undefined) sockets.push(...heirlooms.takeAll());
    for (const fd of listenFds) sockets.push(adoptSocket(sys, fd));
    const places = listed ?? singlePlaces(where, sockets.length === 0);
    for (const place of places) {
      if ('unix' in place) {
        const { unix: path } = place;
        const found = heirlooms?.takeUnix(path);
        sockets.push(found ?? listenUnix(sys, { path, mode: unixMode, isListed }, backlog));
      } else sockets.push(await listenTcp(sys, { ...place, isListed }, backlog, heirlooms));
    }
    heirlooms?.close();
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const isUnix = ({ address }: ListeningSocket) => address.family === 'unix';
  return [...sockets.filter((socket) => !isUnix(socket)), ...sockets.filter(isUnix)];
}

function isTold({ host, port, unix, listen: listed, listenFds = [] }: Where): boolean {
  return [host, port, unix, listed].some((option) => option !== undefined) || listenFds.length > 0;
}

/** What `host`, `port` and `unix` say; if they say nothing and there is no socket yet, all interfaces and the usual port. */
function singlePlaces({ host, port, unix }: Where, isNone: boolean): Place[] {
  const places: Place[] = [];
  if (host !== undefined || port !== undefined || (unix === undefined && isNone)) {
    places.push({ ...(host !== undefined && { host }), port: port ?? DEFAULT_PORT });
  }
  if (unix !== undefined) places.push({ unix });
  return places;
}
