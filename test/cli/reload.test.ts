import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reloadOnChange, watchFailedLine } from '../../src/cli/reload.ts';

const LAST_ACTIVITY = { timeout: 30_000, interval: 20 };

describe('watching the files of a service', () => {
  let folder = '';
  let service = '';
  let reloads = 0;
  let stop = (): void => {};

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'heddle-watch-'));
    service = join(folder, 'service.mjs');
    writeFileSync(service, 'export default 0;');
    reloads = 0;
    const reload = async (): Promise<void> => void reloads++;
    stop = reloadOnChange({ reload }, pathToFileURL(service), () => {});
  });

  afterEach(() => {
    stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Saves until that was seen: a watcher may need a moment until it watches. */
  async function seen(save: () => void): Promise<void> {
    const before = reloads;
    await vi.waitFor(
      () => {
        save();
        if (reloads === before) throw new Error('no reload yet');
      },
      { ...LAST_ACTIVITY, interval: 300 },
    );
  }

  it('sees each save, whether the file is written or another one is renamed to its name', async () => {
    const write = (): void => writeFileSync(service, `export default ${reloads};`);
    const rename = (): void => {
      const fresh = join(folder, 'service.swp');
      writeFileSync(fresh, `export default ${reloads};`);
      renameSync(fresh, service);
    };
    for (const save of [write, rename, rename, write, rename]) await seen(save);
    expect(reloads).toBeGreaterThanOrEqual(5);
  });

  it('says why changes are not noticed, and leaves the server alone', () => {
    const failed: unknown[] = [];
    const gone = pathToFileURL(join(folder, 'gone', 'service.mjs'));
    const stopGone = reloadOnChange({ reload: () => Promise.reject(new Error('never')) }, gone, (error) => {
      failed.push(error);
    });
    expect(failed).toMatchObject([{ code: 'ENOENT' }]);
    stopGone();
    const full = Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' });
    expect(watchFailedLine(full)).toBe(
      'Changes of the service are not noticed (ENOSPC: no inotify watches are left; raise fs.inotify.max_user_watches). SIGHUP loads it anew',
    );
  });

  it('is not disturbed by files that are no source', async () => {
    let saves = 0;
    const save = (): void => writeFileSync(service, `export default ${++saves};`);
    // If they were watched, there would be no quiet moment, and no reload.
    const taking = setInterval(() => writeFileSync(join(folder, 'notes.txt'), `${saves}`), 5);
    await seen(save).finally(() => clearInterval(taking));
    expect(reloads).toBeLessThanOrEqual(saves);
  });
});
