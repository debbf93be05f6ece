/** Which two CPUs a round may use: one for the server, one for the load. Used to start both with `taskset`. */
import { readFileSync } from 'node:fs';

export interface Cores {
  readonly server: number;
  readonly load: number;
}

/** Expands a kernel CPU list such as `0-2,7`. */
function parseCpuList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** Picks the first and the last CPU that this process may run on; throws where there is only one. */
export function pickCores(): Cores {
  const status = readFileSync('/proc/self/status', 'utf8');
  const cpus = parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '');
  const [server] = cpus;
  const load = cpus.at(-1);
  if (server === undefined || load === undefined || server === load) {
    throw new Error('The benchmark needs two CPUs, one for the server and one for the load; this process has one.');
  }
  return { server, load };
}

export function pinned(cpus: number | readonly number[], command: readonly string[]): string[] {
  return ['taskset', '-c', String(cpus), ...command];
}
