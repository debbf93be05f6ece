/** Says how many CPUs this process may use: those that it may run on, and not more than the quota of its control group gives. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { controlGroups, type ReadFile, readText } from './control-groups.ts';

/** How many threads can compute at the same time, at least 1. Node 20 does not know quotas. */
export function cpuCount(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(cpuQuota(readText))));
}

/**
 * The CPU time that the control groups of this process get in each unit of time: 0.5 for half a CPU, Infinity without a quota.
 * A group has at most what the groups around it have.
 */
export function cpuQuota(read: ReadFile): number {
  const quotas = controlGroups('cpu', read).map(quotaIn(read));
  return Math.min(Infinity, ...quotas.filter((quota) => quota > 0));
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
