/** Opens the sockets of a server, or takes them from the server before it. */
import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { MOST_FDS_SENT, type Sys } from '../sys/sys.ts';
import { setKeepAlive } from '../listen/keep-alive.ts';
import { listen } from '../listen/listen.ts';
import { listenForSuccessor } from '../listen/unix.ts';
import type { ListeningSocket } from '../listen/listening-socket.ts';
import { connectToPrevious, type PreviousServer } from '../handover/connect.ts';

export interface OpenSockets {
  readonly sockets: readonly ListeningSocket[];
  /** Where the server waits for the one after it; `undefined`: there can be none. */
  readonly control: ListeningSocket | undefined;
  /** The server that is in this place still. */
  readonly previous: PreviousServer | undefined;
}

/**
 * Opens the sockets that `settings` ask for; with `takeOver`, takes those of the server that has them, which goes on until
 * it hears more. If one cannot be had, none stays open.
 *
 * Errors: `HEDDLE_LISTEN`, `HEDDLE_INVALID_OPTION`.
 */
export async function openSockets(sys: Sys, settings: ServeSettings, nameOf: NameOf): Promise<OpenSockets> {
  const { takeOver } = settings;
  const option = nameOf('takeOver');
  const previous = takeOver === undefined ? undefined : await connectToPrevious(sys, takeOver, option);
  let sockets: readonly ListeningSocket[] = [];
  try {
    sockets = await listen(sys, settings, nameOf, previous?.inherited);
    for (const { fd, address } of sockets) if (address.family !== 'unix') setKeepAlive(sys, fd, settings);
    if (takeOver === undefined) return { sockets, control: undefined, previous };
    checkCount(sockets, option);
    return { sockets, control: previous?.control ?? listenForSuccessor(sys, takeOver, option), previous };
  } catch (error) {
    for (const socket of sockets) socket.close();
    previous?.leave();
    throw error;
  }
}

function checkCount(sockets: readonly ListeningSocket[], option: string): void {
  if (sockets.length < MOST_FDS_SENT) return;
  const most = MOST_FDS_SENT - 1;
  const text = `${option} goes with at most ${most} listening sockets, got ${sockets.length}; leave it out, or listen on fewer`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', text);
}
