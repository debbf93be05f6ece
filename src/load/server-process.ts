/** Finds the process that listens at an address of this machine, and reads the CPU time that it has used. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { SocketAddress } from '../sys/sys.ts';

/** The unit of CPU time in /proc/PID/stat (proc_pid_stat(5)): user space is shown 100 ticks a second on every architecture. */
const TICK_MS = 10;
/** A process that starts another one shares its files with it for a moment, until the other runs its program. */
const LOOKS = 3;
/** A socket that listens, in /proc/net/tcp, and in the flags of /proc/net/unix. */
const LISTENS = '0A';
const UNIX_LISTENS = '00010000';

/** Gives the number of the process; `undefined`: it is another user's, there are several, or the system does not say. */
export function listeningProcess({ address, family, port }: SocketAddress): number | undefined {
  try {
    const found =
      family === 'unix' ? listeningAt(address) : ['tcp', 'tcp6'].flatMap((table) => listeningSockets(table, port));
    const sockets = new Set(found);
    if (sockets.size === 0) return undefined;
    for (let look = 0; look < LOOKS; look++) {
      const owners = readdirSync('/proc').filter((name) => hasOneOf(name, sockets));
      if (owners.length === 1) return Number(owners[0]);
    }
    return undefined;
  } catch {
    return undefined;
  }
}

/** CPU time of all threads of process `pid`, in ms; `undefined`: it has ended. */
export function cpuTimeMs(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before it may have spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return undefined;
  }
}

/** How /proc/PID/fd names the sockets that listen at `port`. */
function listeningSockets(table: string, port: number): string[] {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return rowsOf(table)
    .filter(([, local = '', , state]) => state === LISTENS && local.endsWith(ending))
    .map((fields) => `socket:[${fields[9]}]`);
}

/** The same of the Unix socket at `path`, which is named as its server did. */
function listeningAt(path: string): string[] {
  return rowsOf('unix')
    .filter(([, , , flags, , , , ...name]) => flags === UNIX_LISTENS && name.join(' ') === path)
    .map((fields) => `socket:[${fields[6]}]`);
}

function rowsOf(table: string): string[][] {
  return readFileSync(`/proc/net/${table}`, 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
}

function hasOneOf(name: string, sockets: ReadonlySet<string>): boolean {
  if (!/^\d+$/.test(name)) return false;
  try {
    return readdirSync(`/proc/${name}/fd`).some((fd) => sockets.has(linkOf(`/proc/${name}/fd/${fd}`)));
  } catch {
    return false;
  }
}

/** An fd may be closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
