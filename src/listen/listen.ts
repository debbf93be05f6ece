/** Opens all the sockets that a server of the epoll engine listens on. */
import type { NameOf } from '../options/source.ts';
import type { Sys } from '../sys/sys.ts';
import { adoptSocket } from './adopt-socket.ts';
import type { InheritedListeners } from './inherited.ts';
import { listenTcp } from './tcp.ts';
import { listenUnix } from './unix.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { isGiven, listenAddresses, type ListenSettings } from './addresses.ts';

/** The mode of a Unix socket, where nothing is said. */
const OWNER_ONLY = 0o600;

/**
 * Opens the sockets that `where` asks for, at least one; those of TCP come first. If one cannot be opened, none stays;
 * the error names options as `nameOf` does.
 * With `inherited sockets`, sockets that are among these are taken, and the others given up; where `where` says nothing, all are taken.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listen(
  sys: Sys,
  settings: ListenSettings,
  nameOf: NameOf,
  inherited?: InheritedListeners,
): Promise<readonly ListeningSocket[]> {
  const { unixMode = OWNER_ONLY, listenFds = [], backlog } = settings;
  const isListed = settings.listen !== undefined;
  const sockets: ListeningSocket[] = [];
  try {
    if (!isGiven(settings) && inherited !== undefined) sockets.push(...inherited.takeAll());
    for (const fd of listenFds) sockets.push(adoptSocket(sys, fd));
    for (const place of listenAddresses(settings, sockets.length === 0)) {
      if ('unix' in place) {
        const { unix: path } = place;
        const found = inherited?.takeUnix(path);
        sockets.push(
          found ?? listenUnix(sys, { path, mode: unixMode, option: nameOf(isListed ? 'listen' : 'unix') }, backlog),
        );
      } else sockets.push(...(await listenTcp(sys, { ...place, isListed, nameOf }, backlog, inherited)));
    }
    inherited?.close();
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  const isUnix = ({ address }: ListeningSocket) => address.family === 'unix';
  return [...sockets.filter((socket) => !isUnix(socket)), ...sockets.filter(isUnix)];
}
