/** Reloads the service: on SIGHUP, and with `--watch` when one of its files has changed. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Editors write a file in several steps; this long after the last one it is whole, in ms. */
const SETTLE_MS = 100;

const SOURCES = /\.(?:[cm]?[jt]s|json)$/;

/** What is reloaded. Its errors are reported as events. */
export interface Reloadable {
  reload(): Promise<void>;
}

/** Reloads `server` on SIGHUP; gives a function that stops it. */
export function reloadOnHangup(server: Reloadable): () => void {
  const onHangup = (): void => void server.reload().catch(() => {});
  process.on('SIGHUP', onHangup);
  return () => process.off('SIGHUP', onHangup);
}

/**
 * Reloads `server` when a source file beside `service`, or below, changes; gives a function that stops it. `failed` hears
 * why changes are not noticed any more.
 */
export function reloadOnChange(server: Reloadable, service: URL, failed: (error: Error) => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  const changed = (_event: string, name: string | null): void => {
    if (name === null || !SOURCES.test(name) || /(^|[\\/])node_modules[\\/]/.test(name)) return;
    clearTimeout(timer);
    timer = setTimeout(settled, SETTLE_MS);
  };
  const look = (): void => {
    watcher?.close();
    watcher = undefined;
    try {
      watcher = watchFolder(dirname(fileURLToPath(service)), changed, failed);
    } catch (error) {
      failed(error as Error);
    }
  };
  const settled = (): void => {
    // Node 20 watches the files that there are, not their names: one that was saved by renaming another is a new one.
    look();
    void server.reload().catch(() => {});
  };
  look();
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}

/** Throws what the system has against it, such as ENOSPC. Node 20 reports that later, for each file, or not at all. */
function watchFolder(
  folder: string,
  changed: (event: string, name: string | null) => void,
  failed: (error: Error) => void,
): FSWatcher {
  watch(folder).close();
  let isTold = false;
  return watch(folder, { recursive: true }, changed).on('error', (error) => {
    if (!isTold) failed(error);
    isTold = true;
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'no inotify watches are left; raise fs.inotify.max_user_watches',
  EMFILE: 'no inotify instances are left; raise fs.inotify.max_user_instances',
  ENOENT: 'the folder is gone',
};

/** What the command says where changes are not noticed. */
export function watchFailedLine(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  const why = ADVICE[code];
  const reason = why === undefined ? code : `${code}: ${why}`;
  return `Changes of the service are not noticed (${reason}). SIGHUP loads it anew`;
}
