/** Finds the server that a command is about: the only one of this user, or the one that was named. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { HeddleError } from '../../errors.ts';
import { controlFolder, problemWith } from './folder.ts';

const ENDING = '.sock';

/** The control socket that `target` names: nothing, a process number, or a path. Errors: `HEDDLE_CONNECT`. */
export async function findServer(target: string | undefined, environment: NodeJS.ProcessEnv): Promise<string> {
  if (target !== undefined && !/^\d+$/.test(target)) return ownSocket(resolve(target));
  const folder = controlFolder(environment);
  const problem = problemWith(folder);
  if (problem !== undefined) throw nobody(folder, problem);
  if (target !== undefined) return ownSocket(join(folder, `${target}${ENDING}`));
  const found: string[] = [];
  for (const name of readdirSync(folder).filter((each) => each.endsWith(ENDING)))
    if (await isAlive(join(folder, name))) found.push(name.slice(0, -ENDING.length));
  const [only, ...others] = found;
  if (only === undefined) throw nobody(folder, 'no server has its control socket there');
  if (others.length === 0) return join(folder, `${only}${ENDING}`);
  const text = `${found.length} servers run: ${found.sort().join(', ')}. Name one by its process number, or by the path of its control socket`;
  throw new HeddleError('HEDDLE_CONNECT', text);
}

/** Somebody else may have put a socket there, to be told whom to close. */
function ownSocket(path: string): string {
  const uid = process.getuid?.();
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new HeddleError('HEDDLE_CONNECT', `There is no control socket ${path}`);
  if (uid === undefined || uid === 0 || stat.uid === uid || stat.uid === 0) return path;
  throw new HeddleError('HEDDLE_CONNECT', `The control socket ${path} is another user’s. Run the command as that user`);
}

/** Whether a server listens at `path`. The socket of one that was killed is taken away. */
async function isAlive(path: string): Promise<boolean> {
  return new Promise((tell) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      tell(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') takeAway(path);
      tell(false);
    });
  });
}

/** Another command may have been quicker, or the folder may be read-only: then it stays, and nobody is at it either way. */
function takeAway(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // As said above.
  }
}

function nobody(folder: string, why: string): HeddleError {
  const advice = 'Start one with heddle serve, or name its control socket by its path';
  return new HeddleError('HEDDLE_CONNECT', `No server was found in ${folder}: ${why}. ${advice}`);
}
