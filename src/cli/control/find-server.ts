/** Finds the server that a command is about: the only one of this user, or the one that was named. */
import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { HeddleError } from '../../errors.ts';
import { controlFolder, problemWith } from './folder.ts';

const ENDING = '.sock';

const ADVICE = 'Name one by its process number, or by the path of its control socket';

/** The control socket that `target` names: nothing, a process number, or a path. Errors: `HEDDLE_CONNECT`. */
export async function findServer(target: string | undefined, environment: NodeJS.ProcessEnv): Promise<string> {
  if (target !== undefined && !/^\d+$/.test(target)) return socketAt(resolve(target));
  const folder = controlFolder(environment);
  const problem = problemWith(folder);
  if (problem !== undefined) throw nobody(folder, problem);
  const named = target === undefined ? undefined : ownSocket(join(folder, `${target}${ENDING}`));
  if (named !== undefined && (await isAlive(named))) return named;
  const found = await serversIn(folder);
  const [only, ...others] = found;
  if (only === undefined) throw nobody(folder, 'no server has its control socket there');
  if (others.length === 0 && target === undefined) return join(folder, `${only}${ENDING}`);
  const running = others.length === 0 ? `One server runs: ${only}` : `${found.length} servers run: ${found.join(', ')}`;
  const text = target === undefined ? running : `No server has the process number ${target}. ${running}`;
  throw new HeddleError('HEDDLE_CONNECT', `${text}. ${ADVICE}`);
}

/** The names of those that listen, in order. */
async function serversIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of readdirSync(folder).filter((each) => each.endsWith(ENDING)))
    if (await isAlive(join(folder, name))) found.push(name.slice(0, -ENDING.length));
  return found.sort((one, other) => Number(one) - Number(other));
}

function socketAt(path: string): string {
  const own = ownSocket(path);
  if (own !== undefined) return own;
  const text = `There is no control socket ${path}. Without a path, the command finds your servers`;
  throw new HeddleError('HEDDLE_CONNECT', text);
}

/** `path`, if something is there. Somebody else may have put a socket there, to be told whom to close. */
function ownSocket(path: string): string | undefined {
  const uid = process.getuid?.();
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
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
      tell(code === 'EAGAIN'); // So many others ask that it cannot take another one now.
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
