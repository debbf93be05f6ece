/** Finds the control groups of this process: the folders in which the kernel says what its limits are. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Where control groups are mounted (cgroups(7)); where both versions are, the second may have a folder of its own. */
const MOUNTS = [ROOT, `${ROOT}/unified`];

export type ReadFile = (path: string) => string | undefined;

/** The text of the file at `path`; `undefined` if it cannot be read. */
export const readText: ReadFile = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * The folders of the groups of this process that may limit what `controller` (`cpu`, `pids`) counts, with the groups around them: a
 * group has at most what those have.
 */
export function controlGroups(controller: string, read: ReadFile): readonly string[] {
  return groupsOf(read('/proc/self/cgroup') ?? '', controller).flatMap(upwards);
}

/** Lines are `number:controllers:path`, in version 2 `0::path`. */
function groupsOf(text: string, controller: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') return MOUNTS.map((mount) => join(mount, path));
    if (!controllers.split(',').includes(controller)) return [];
    return [controllers, controller].map((name) => join(ROOT, name, path));
  });
}

/** `folder` and those around it: in a container, only the outermost may be there. */
function upwards(folder: string): readonly string[] {
  const folders: string[] = [];
  for (let at = folder; at.startsWith(ROOT); at = dirname(at)) folders.push(at);
  return folders;
}
