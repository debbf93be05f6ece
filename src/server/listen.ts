/** Used by the epoll engine to open all the sockets that a server listens on. */
import { DEFAULT_PORT } from '../options/default-port.ts';
import type { Sys } from '../sys/sys.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { Where } from './engine.ts';
import { listenTcp } from './listen-tcp.ts';
import { listenUnix } from './listen-unix.ts';
import type { ListeningSocket } from './listening-socket.ts';

/**
 * Opens the sockets that `where` asks for, at least one; those of TCP come first. If one cannot be opened, none stays.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listen(sys: Sys, where: Where): Promise<readonly ListeningSocket[]> {
  const { host, port, unix, unixMode, listenFds = [], backlog } = where;
  const sockets: ListeningSocket[] = [];
  try {
    for (const fd of listenFds) sockets.push(adoptSocket(sys, fd));
    if (host !== undefined || port !== undefined || (unix === undefined && listenFds.length === 0)) {
      sockets.push(await listenTcp(sys, host, port ?? DEFAULT_PORT, backlog));
    }
    if (unix !== undefined) sockets.push(listenUnix(sys, unix, unixMode, backlog));
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const isUnix = ({ address }: ListeningSocket) => address.family === 'unix';
  return [...sockets.filter((socket) => !isUnix(socket)), ...sockets.filter(isUnix)];
}
