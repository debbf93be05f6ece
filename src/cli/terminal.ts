/** Defines what a command reads from and writes to; a test passes its own. */

import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  /** `fd`: of a stream of the process's own. */
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly fd?: number };
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Writes `data` to stdout; resolves when there is room for more. */
export async function print(terminal: Terminal, data: string | Uint8Array): Promise<void> {
  const { stdout } = terminal;
  if (stdout.write(data) || stdout.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      stdout.off('drain', done).off('close', done);
      resolve();
    };
    stdout.on('drain', done).on('close', done);
  });
}
