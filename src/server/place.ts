/** Used to get a server its place: the sockets that it listens on, and what it takes over from the server before it. */
import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { MOST_FDS_SENT, type Sys } from '../sys/sys.ts';
import { setKeepAlive } from './keep-alive.ts';
import { listen } from './listen.ts';
import { listenForSuccessor } from './listen-unix.ts';
import type { ListeningSocket } from './listening-socket.ts';
import { findPredecessor, type Predecessor } from './predecessor.ts';

export interface Place {
  readonly sockets: readonly ListeningSocket[];
  /** Where the server waits for the one after it; `undefined`: there can be none. */
  readonly control: ListeningSocket | undefined;
  /** The server that is in this place still. */
  readonly predecessor: Predecessor | undefined;
}

/**
 * Opens the sockets that `settings` ask for; with `takeOver`, takes those of the server that has them, which goes on until
 * it hears more. If one cannot be had, none stays open.
 *
 * Errors: `HEDDLE_LISTEN`, `HEDDLE_INVALID_OPTION`.
 */
export async function findPlace(sys: Sys, settings: ServeSettings, nameOf: NameOf): Promise<Place> {
  const { takeOver } = settings;
  const option = nameOf('takeOver');
  const predecessor = takeOver === undefined ? undefined : await findPredecessor(sys, takeOver, option);
  let sockets: readonly ListeningSocket[] = [];
  try {
    sockets = await listen(sys, settings, nameOf, predecessor?.heirlooms);
    for (const { fd, address } of sockets) if (address.family !== 'unix') setKeepAlive(sys, fd, settings);
    if (takeOver === undefined) return { sockets, control: undefined, predecessor };
    checkCount(sockets, option);
    return { sockets, control: predecessor?.control ?? listenForSuccessor(sys, takeOver, option), predecessor };
  } catch (error) {
    for (const socket of sockets) socket.close();
    predecessor?.leave();
    throw error;
  }
}

function checkCount(sockets: readonly ListeningSocket[], option: string): void {
  if (sockets.length < MOST_FDS_SENT) return;
  const most = MOST_FDS_SENT - 1;
  const text = `${option} goes with at most ${most} listening sockets, got ${sockets.length}; leave it out, or listen on fewer`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', text);
}
