/** Used to fit the number of clients to the files that this process may have open: each client is one. */

import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import { MOST_FDS } from './shared-memory.ts';

/** What a thread has open for itself: its epoll set, its timer and those of Node's event loop. Measured: 6; 7 since Node may change. */
const FILES_PER_THREAD = 7;

/** What the process has open beside (Node's own, listeners; measured: 30), and as much again for the files of a service. */
const FILES_OF_PROCESS = 64;

/** Settings with a number of clients. */
export type LimitedSettings = ServeSettings & { readonly maxClients: number };

/**
 * Fills in `maxClients` for a process that may have `fileLimit` files open. Throws HEDDLE_INVALID_OPTION if that does not
 * do for a `maxClients` that was given.
 */
export function withClientLimit(settings: ServeSettings, fileLimit: number, nameOf: NameOf): LimitedSettings {
  const files = Math.min(MOST_FDS, fileLimit);
  const reserve = FILES_OF_PROCESS + FILES_PER_THREAD * settings.threads.max;
  // Where files are few, not all threads will be needed: clients get at least half of them.
  const most = files - Math.min(reserve, files >> 1);
  const { maxClients = most } = settings;
  if (maxClients <= most) return { ...settings, maxClients };
  const needed = Math.min(maxClients + reserve, maxClients * 2);
  const message =
    `${nameOf('maxClients')} must be at most ${most} where a process may have ${files} files open, got ${maxClients}. ` +
    `Allow it ${needed} files, with ulimit -n ${needed} in the shell that starts it or LimitNOFILE=${needed} in its systemd unit`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', message);
}
