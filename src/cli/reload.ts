/** Used to load the service anew: on SIGHUP, and with `--watch` when one of its files has changed. */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Editors write a file in several steps; this long after the last one it is whole, in ms. */
const QUIET = 100;

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

/** Reloads `server` when a source file beside `service`, or below, changes; gives a function that stops it. */
export function reloadOnChange(server: Reloadable, service: URL): () => void {
  let timer: NodeJS.Timeout | undefined;
  const changed = (_event: string, name: string | null): void => {
    if (name === null || !SOURCES.test(name) || /(^|[\\/])node_modules[\\/]/.test(name)) return;
    clearTimeout(timer);
    timer = setTimeout(settled, QUIET);
  };
  // Node 20 watches the files that there are, not their names: one that was saved by renaming another is a new one.
  const look = (): FSWatcher =>
    watch(dirname(fileURLToPath(service)), { recursive: true }, changed).on('error', ignore);
  let watcher = look();
  const settled = (): void => {
    watcher.close();
    try {
      watcher = look();
    } catch {
      // The folder is gone, and nothing in it will change.
    }
    void server.reload().catch(ignore);
  };
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

function ignore(): void {}
