/** Used by the epoll engine to open all the sockets that a server listens on. */
import type { NameOf } from '../options/source.ts';
import type { Sys } from '../sys/sys.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { Heirlooms } from './heirlooms.ts';
import { listenTcp } from './listen-tcp.ts';
import { listenUnix } from './listen-unix.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { isTold, placesIn, type Where } from './where.ts';

/** The mode of a Unix socket, where nothing is said. */
const OWNER_ONLY = 0o600;

/**
 * Opens the sockets that `where` asks for, at least one; those of TCP come first. If one cannot be opened, none stays;
 * the error names options as `nameOf` does.
 * With `heirlooms`, sockets that are among these are taken, and the others given up; where `where` says nothing, all are taken.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listen(
  sys: Sys,
  where: Where,
  nameOf: NameOf,
  heirlooms?: Heirlooms,
): Promise<readonly ListeningSocket[]> {
  const { unixMode = OWNER_ONLY, listenFds = [], backlog } = where;
  const isListed = where.listen !== undefined;
  const sockets: ListeningSocket[] = [];
  try {
    if (!isTold(where) && heirlooms !== undefined) sockets.push(...heirlooms.takeAll());
    for (const fd of listenFds) sockets.push(adoptSocket(sys, fd));
    for (const place of placesIn(where, sockets.length === 0)) {
      if ('unix' in place) {
        const { unix: path } = place;
        const found = heirlooms?.takeUnix(path);
        sockets.push(
          found ?? listenUnix(sys, { path, mode: unixMode, option: nameOf(isListed ? 'listen' : 'unix') }, backlog),
        );
      } else sockets.push(...(await listenTcp(sys, { ...place, isListed, nameOf }, backlog, heirlooms)));
    }
    heirlooms?.close();
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const isUnix = ({ address }: ListeningSocket) => address.family === 'unix';
  return [...sockets.filter((socket) => !isUnix(socket)), ...sockets.filter(isUnix)];
}
