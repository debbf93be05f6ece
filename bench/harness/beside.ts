/** Runs clients against a fresh server that shares the two CPUs with them, as `no-wait` and its kin do. */
import { type ClientLoad, type ClientSample, type LoadWindow, runClients } from './client-load.ts';
import type { ServerName, ServerProgram } from './programs.ts';
import type { Bench } from './question.ts';
import { type RunningServer, startServer } from './server.ts';
import { Watchers } from './watchers.ts';

const CPUS = 2;

const cpusOf = ({ cores }: Bench): number[] => [cores.server, cores.load];

export const isHeddle = (name: ServerName): boolean => name.startsWith('heddle');

/** The upper end of Heddle's threads: as the run was told, or by default on the CPUs that servers have. */
export function mostThreads({ noWait }: Bench): number {
  return Number(noWait.threads?.split('..').at(-1) ?? 4 * CPUS + 4);
}

/** Starts a fresh server, with these threads if it is Heddle, and ends it after `inside`. */
export async function withServer<T>(
  bench: Bench,
  program: ServerProgram,
  threads: string | undefined,
  inside: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const chosen = isHeddle(program.name) && threads !== undefined ? { threads } : {};
  const server = await startServer(bench.programs, program, { framing: 'line', cpu: cpusOf(bench), ...chosen });
  try {
    return await inside(server);
  } finally {
    await server.stop();
  }
}

/** The clients' process runs before the server's where it may. */
export function runOn<Group extends string, Window extends string>(
  bench: Bench,
  server: RunningServer,
  load: ClientLoad<Group, Window>,
): Promise<ClientSample<Group, Window>> {
  return runClients(bench.programs.lights, cpusOf(bench), server, load);
}

export function runBeside<Group extends string, Window extends string>(
  bench: Bench,
  program: ServerProgram,
  load: ClientLoad<Group, Window>,
): Promise<ClientSample<Group, Window>> {
  const isWatched = bench.noWait.watched && isHeddle(program.name);
  return withServer(bench, program, bench.noWait.threads, (server) => {
    const run = () => runOn(bench, server, load);
    return isWatched ? Watchers.during(server.pid, bench.cores.load, run) : run();
  });
}

/** The windows as they are when their clients come `byMs` later. */
export function later<Window extends string>(
  windows: Readonly<Record<Window, LoadWindow>>,
  byMs: number,
): Record<Window, LoadWindow> {
  const shifted = Object.entries<LoadWindow>(windows).map(([name, { fromMs, toMs }]) => {
    return [name, { fromMs: fromMs + byMs, toMs: toMs + byMs }];
  });
  return Object.fromEntries(shifted) as Record<Window, LoadWindow>;
}

/** A window within a load that lasts `ms`; it may be empty. */
export function between(fromMs: number, toMs: number, ms: number): LoadWindow {
  return { fromMs: Math.min(fromMs, ms), toMs: Math.min(toMs, ms) };
}
