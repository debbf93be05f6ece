/** Says how many CPUs this process may use: those that it may run on, and not more than the quota of its control group gives. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Where control groups are mounted (cgroups(7)); where both versions are, the second may have a folder of its own. */
const MOUNTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

type ReadFile = (path: string) => string | undefined;

/** How many threads can compute at the same time, at least 1. Node 20 does not know quotas. */
export function cpuCount(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota(readText))));
}

/**
 * The CPU time that the control groups of this process get in each unit of time: 0.5 for half a CPU, Infinity without a quota.
 * A group has at most what the groups around it have.
 */
export function cpuQuota(read: ReadFile): number {
  const quotas = groupsOf(read('/proc/self/cgroup') ?? '').flatMap((folder) => upwards(folder).map(quotaIn(read)));
  return Math.min(Infinity, ...quotas.filter((quota) => quota > 0));
}

/** The folders of the groups that may have a quota: lines are `number:controllers:path`, in version 2 `0::path`. */
function groupsOf(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') return MOUNTS.map((mount) => join(mount, path));
    if (!controllers.split(',').includes('cpu')) return [];
    return [controllers, 'cpu'].map((name) => join('/sys/fs/cgroup', name, path));
  });
}

/** `folder` and those around it: in a container, only the outermost may be there. */
function upwards(folder: string): readonly string[] {
  const folders: string[] = [];
  for (let at = folder; at.startsWith('/sys/fs/cgroup'); at = dirname(at)) folders.push(at);
  return folders;
}

function quotaIn(read: ReadFile): (folder: string) => number {
  return (folder) => {
    const [most, period] = read(join(folder, 'cpu.max'))?.split(' ') ?? [
      read(join(folder, 'cpu.cfs_quota_us')),
      read(join(folder, 'cpu.cfs_period_us')),
    ];
    const quota = Number(most) / Number(period); // `max`, or -1: there is none.
    return quota > 0 ? quota : Infinity;
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
