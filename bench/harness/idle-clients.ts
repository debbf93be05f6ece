/** Keeps idle clients connected to a server while something else is measured. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child.ts';
import type { Bench } from './question.ts';
import type { RunningServer } from './server.ts';

const ACCEPT_PATIENCE_MS = 20_000;
/** Files that a server has beside its clients' sockets. */
const SPARE_FILES = 500;

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** A client is connected for the kernel before the server has accepted it: the server's open files say when it has. */
async function untilOpenFiles(pid: number, enough: (count: number) => boolean, what: string): Promise<void> {
  const deadline = Date.now() + ACCEPT_PATIENCE_MS;
  while (!enough(openFiles(pid))) {
    if (Date.now() > deadline) throw new Error(`the server did not ${what} within ${ACCEPT_PATIENCE_MS} ms`);
    await sleep(50);
  }
}

/** Why `clients` cannot be connected to one server here; `undefined` if they can. */
export function tooManyClients(clients: number): string | undefined {
  const limit = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const needed = clients + SPARE_FILES;
  if (limit === undefined || Number(limit) >= needed) return undefined;
  return `a process may open ${limit} files and ${clients} clients need ${needed}; raise the limit with: ulimit -Hn ${needed}`;
}

export interface IdleClients {
  readonly count: number;
  /** Whether each says one message first. */
  readonly speak: boolean;
  /** Whether to wait until the server has closed them: its open files must then be those of before. */
  readonly untilClosed: boolean;
}

/** Runs `inside` while the clients are there: all have been accepted. */
export async function withIdleClients<T>(
  bench: Bench,
  server: RunningServer,
  clients: IdleClients,
  inside: () => Promise<T>,
): Promise<T> {
  const base = openFiles(server.pid);
  const words = [server.port, clients.count, clients.speak ? 1 : 0].map(String);
  const idle = new Child([bench.programs.idle, ...words]);
  try {
    await idle.line(/^ready$/);
    await untilOpenFiles(server.pid, (open) => open >= base + clients.count, 'accept all clients');
    return await inside();
  } finally {
    await idle.stop();
    if (clients.untilClosed) await untilOpenFiles(server.pid, (open) => open <= base, 'close all clients');
  }
}
