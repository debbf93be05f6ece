/** Writes to a terminal, pipe, socket, file or stream as much as it takes now: nobody waits for whoever reads there. */

import { constants, fstatSync, openSync, type Stats, write, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';

/** Takes how many bytes were written, or why none could be. */
export type Written = (error: NodeJS.ErrnoException | null | undefined, count: number) => void;

export interface Target {
  /** Writes the beginning of `bytes`, as long as there is room for; `written` is called once, now or later. */
  write(bytes: Uint8Array, written: Written): void;
}

/*
 * Node itself writes to terminals and files synchronously (nodejs.org/api/process.html, "A note on process I/O"): a
 * terminal that nobody reads blocks the thread. O_NONBLOCK is a property of what was opened, which other processes share:
 * so a terminal or pipe is opened anew. A socket cannot be, and Node has made it non-blocking.
 */

/** Opens what is at the standard fd `fd`. */
export function openTarget(fd: number): Target {
  const stats = fstatSync(fd);
  if (stats.isFile()) return inBackground(fd);
  const own = openAnew(fd);
  if (own !== undefined) return atOnce(own);
  return becomesNonBlocking(fd, stats) ? atOnce(fd) : inBackground(fd);
}

/** What has no fd of its own, such as the streams of a test. */
export function streamTarget(stream: Writable): Target {
  stream.on('error', () => {}); // The callback gets it too.
  return {
    write: (bytes, written) => void stream.write(bytes, (error) => written(error, bytes.length)),
  };
}

function openAnew(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined; // It is a socket or another user's terminal, or there is no /proc.
  }
}

/** Node has them so as it makes their streams, which it does on the main thread only. */
function becomesNonBlocking(fd: number, stats: Stats): boolean {
  return (
    isMainThread && (stats.isFIFO() || stats.isSocket()) && (fd === 1 ? process.stdout : process.stderr) !== undefined
  );
}

/** For an fd that does not block. */
function atOnce(fd: number): Target {
  return {
    write(bytes, written) {
      let count: number;
      try {
        count = writeSync(fd, bytes);
      } catch (error) {
        return written(error as NodeJS.ErrnoException, 0);
      }
      written(null, count);
    },
  };
}

/** For an fd that may block: a thread of libuv's pool then does. */
function inBackground(fd: number): Target {
  return { write: (bytes, written) => write(fd, bytes, 0, bytes.length, null, written) };
}
