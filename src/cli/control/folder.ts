/** Says where the control sockets of a user's servers are: one folder that nobody else may enter. */
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LONGEST_UNIX_PATH } from '../../sys/structs/socket-address.ts';

/** Only its owner may enter the folder, and so reach the sockets in it. */
const FOLDER_MODE = 0o700;
const OTHERS = 0o077;

/** The folder of this user's control sockets. */
export function controlFolder(environment: NodeJS.ProcessEnv): string {
  const { XDG_RUNTIME_DIR: runtime } = environment;
  if (runtime !== undefined && runtime.startsWith('/')) return join(runtime, 'heddle');
  return join(environment['TMPDIR'] || tmpdir(), `heddle-${process.getuid?.() ?? 'user'}`);
}

/** Why `folder` is not to be trusted; `undefined`: it is this user's alone. */
export function problemWith(folder: string): string | undefined {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return 'there is no such folder';
  if (!stat.isDirectory()) return 'it is no folder';
  if (process.getuid !== undefined && stat.uid !== process.getuid()) return 'it is another user’s';
  return process.getuid !== undefined && (stat.mode & OTHERS) !== 0
    ? 'other users may enter it (chmod 700)'
    : undefined;
}

/** The path of this process's control socket, in a folder that is made for it; or why there can be none. */
export function ownControlPath(
  environment: NodeJS.ProcessEnv,
): { readonly path: string } | { readonly problem: string } {
  const folder = controlFolder(environment);
  const path = join(folder, `${process.pid}.sock`);
  if (Buffer.byteLength(path) > LONGEST_UNIX_PATH) return { problem: `${path} is too long for a socket` };
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  } catch (error) {
    return { problem: `${folder} cannot be made (${(error as NodeJS.ErrnoException).code})` };
  }
  const problem = problemWith(folder);
  return problem === undefined ? { path } : { problem: `${folder} is not used: ${problem}` };
}
