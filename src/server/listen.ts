/** Used to open all the sockets that a server listens on. */
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { Sys } from '../sys/sys.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { Heirlooms } from './heirlooms.ts';
import { listenTcp } from './listen-tcp.ts';
import { listenUnix } from './listen-unix.ts';
import type { ListeningSocket } from './listening-socket.ts';

type Where = Pick<ServeSettings, 'host' | 'port' | 'unix' | 'unixMode' | 'listenFds' | 'backlog'>;

/**
 * Opens the sockets that `where` asks for, at least one; those of TCP come first. If one cannot be opened, none stays.
 * With `heirlooms`, sockets that are among these are taken, and the others given up; where `where` says nothing, all are taken.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listen(sys: Sys, where: Where, heirlooms?: Heirlooms): Promise<readonly ListeningSocket[]> {
  const { host, port, unix, unixMode, listenFds = [], backlog } = where;
  const sockets: ListeningSocket[] = [];
  const isTold = host !== undefined || port !== undefined || unix !== undefined || listenFds.length > 0;
  try {
    if (!isTold && heirlooms !== undefined) sockets.push(...heirlooms.takeAll());
    for (const fd of listenFds) sockets.push(adoptSocket(sys, fd));
    if (host !== undefined || port !== undefined || (unix === undefined && sockets.length === 0)) {
      sockets.push(await listenTcp(sys, host, port ?? DEFAULT_PORT, backlog, heirlooms));
    }
    if (unix !== undefined) sockets.push(heirlooms?.takeUnix(unix) ?? listenUnix(sys, unix, unixMode, backlog));
    heirlooms?.close();
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const isUnix = ({ address }: ListeningSocket) => address.family === 'unix';
  return [...sockets.filter((socket) => !isUnix(socket)), ...sockets.filter(isUnix)];
}
