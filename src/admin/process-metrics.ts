/** Gives the metrics that every process has, by the names that Prometheus's own libraries use. */
import { readFileSync, statSync } from 'node:fs';
import type { Metric } from './exposition.ts';

export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    known('process_cpu_seconds', 'counter', 'CPU time of the process.', (user + system) / 1e6),
    known('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss()),
    known('process_start_time_seconds', 'gauge', 'When the process started, since the epoch.', startTime()),
    known('process_open_fds', 'gauge', 'Open file descriptors.', openFiles()),
    known('process_max_fds', 'gauge', 'How many file descriptors may be open.', maxFiles()),
  ];
}

function known(name: string, type: 'gauge' | 'counter', help: string, value: number | undefined): Metric {
  return { name, type, help, samples: value === undefined ? [] : [{ value }] };
}

function startTime(): number {
  return Math.round(Date.now() - process.uptime() * 1000) / 1000;
}

/** How many files are open. Since Linux 6.2 the folder's size says how many there are (proc(5)). To list 10,000 of them takes main several ms: `undefined`. */
export function openFiles(): number | undefined {
  const size = statSync('/proc/self/fd', { throwIfNoEntry: false })?.size ?? 0;
  return size > 0 ? size : undefined;
}

export function maxFiles(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? Infinity : soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
