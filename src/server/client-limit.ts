/** Fits the number of clients to the files that this process may have open. */

import { HeddleError } from '../errors.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { NameOf } from '../options/source.ts';
import type { Engine } from './engine.ts';
import { MOST_FDS } from './shared-memory.ts';

/** What a thread has open for itself: its epoll set, its two timers and those of Node's event loop. Measured: 7; 8 since Node may change. */
const FILES_PER_THREAD = 8;

/** What the process has open beside (Node's own, listeners; measured: 30), and as much again for the files of a service. */
const FILES_OF_PROCESS = 64;

/** What of the engine matters here. */
type Files = Pick<Engine, 'fileLimit' | 'filesPerClient'>;

/**
 * Fills in `maxClients` for a process that may have as many files open as `engine` says. Throws HEDDLE_INVALID_OPTION if
 * that does not do for a `maxClients` that was given.
 */
export function withClientLimit(
  settings: ServeSettings,
  engine: Files,
  nameOf: NameOf,
): ServeSettings & { readonly maxClients: number } {
  const files = Math.min(MOST_FDS, engine.fileLimit());
  const reserve = FILES_OF_PROCESS + FILES_PER_THREAD * settings.threads.max;
  // Where files are few, not all threads will be needed: clients get at least half of them.
  const perClient = engine.filesPerClient(settings);
  const most = Math.ceil((files - Math.min(reserve, files >> 1)) / perClient);
  const { maxClients = most } = settings;
  if (maxClients <= most) return { ...settings, maxClients };
  const needed = maxClients * perClient + Math.min(reserve, maxClients * perClient);
  const message =
    `${nameOf('maxClients')} must be at most ${most} where a process may have ${files} files open${perClient === 1 ? '' : ` and a client takes ${perClient}`}, got ${maxClients}. ` +
    `Allow it ${needed} files, with ulimit -n ${needed} in the shell that starts it or LimitNOFILE=${needed} in its systemd unit`;
  throw new HeddleError('HEDDLE_INVALID_OPTION', message);
}
