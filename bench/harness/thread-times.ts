/** The CPU time of each thread of a process, as the kernel counts it. */
import { readdirSync, readFileSync } from 'node:fs';

/** By thread, in ms. The first number of /proc/PID/task/TID/schedstat is the time on a CPU in ns. */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const times = readdirSync(`/proc/${pid}/task`).flatMap((tid): [string, number][] => {
    try {
      const [ns] = readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ');
      return [[tid, Number(ns) / 1e6]];
    } catch {
      return []; // It has just ended.
    }
  });
  return new Map(times);
}

/** What each thread used from `before` to `after`, in ms, the most first. */
export function timesBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number[] {
  return [...after].map(([tid, ms]) => ms - (before.get(tid) ?? 0)).toSorted((a, b) => b - a);
}
