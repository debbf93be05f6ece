/** Tells how many bytes the kernel keeps of what was sent, where only Node has the sockets: Linux lists them in proc(5). */
import { readFileSync, readlinkSync } from 'node:fs';
import { EBADF } from './errno.ts';

/** The tables of the kernel are long: they are read anew after this time, in ms. What they say of sent bytes only becomes less. */
const FRESH_MS = 100;

/** A line of a table: number, two addresses, state, `send:receive` queue, timer, retransmissions, user, timeout, inode, …. */
const LINE = /^ *\d+: \S+ \S+ \S+ ([\dA-F]+):\S+ \S+ \S+ +\d+ +\d+ (\d+) /gm;

let queues: ReadonlyMap<string, number> = new Map();
let readAt = -Infinity;

/** The same as `Sys.unsent` for the fd of a TCP socket of Node's, below zero if it has none; EBADF where that cannot be known. */
export function unsentOf(fd: number): number {
  try {
    const [, inode = ''] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    return sendQueues(performance.now()).get(inode) ?? 0;
  } catch {
    return EBADF;
  }
}

/** By inode of the socket. */
function sendQueues(now: number): ReadonlyMap<string, number> {
  if (now - readAt < FRESH_MS) return queues;
  readAt = now;
  const lines = ['tcp', 'tcp6'].map((name) => readFileSync(`/proc/self/net/${name}`, 'latin1')).join('');
  queues = new Map(
    Array.from(lines.matchAll(LINE), ([, queue = '', inode = '']) => [inode, Number.parseInt(queue, 16)]),
  );
  return queues;
}
