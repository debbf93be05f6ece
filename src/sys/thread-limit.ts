/** Says what to do where the system starts no more threads for this process. */
import { join } from 'node:path';
import { HeddleError } from '../errors.ts';
import { controlGroups, type ReadFile, readText } from './control-groups.ts';

/** What does for a server with a few dozen threads. */
const ENOUGH = 256;

/** The code of Node's error; its message is the name of the system's. */
const NO_THREAD = 'ERR_WORKER_INIT_FAILED';

/** Says what to do if `cause` is that no thread could be started; `undefined` if it is something else. */
export function tooFewThreads(cause: unknown): HeddleError | undefined {
  if (!isNoThread(cause)) return undefined;
  const { message: errno } = cause;
  const text = `The system starts no more threads for this process (${errno}): ${threadLimit(readText)}`;
  return new HeddleError('HEDDLE_UNSUPPORTED', text, { cause, errno });
}

/** Whether `error` is one of `tooFewThreads`. */
export function isTooFewThreads(error: unknown): error is HeddleError {
  return error instanceof HeddleError && isNoThread(error.cause);
}

function isNoThread(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === NO_THREAD;
}

/** The limit that is reached, as far as can be told, and how to raise it. */
export function threadLimit(read: ReadFile): string {
  const group = controlGroups('pids', read).find((folder) => isFull(folder, read));
  if (group !== undefined)
    return `pids.max of its control group is ${read(join(group, 'pids.max'))?.trim()}. Raise it, with TasksMax= in its systemd unit or --pids-limit of Docker`;
  const [, limit] = /^Max processes\s+(\d+)/m.exec(read('/proc/self/limits') ?? '') ?? [];
  if (limit !== undefined)
    return `its user may have ${limit} processes and threads. Allow more, with ulimit -u ${Math.max(ENOUGH, 2 * Number(limit))} in the shell that starts it or LimitNPROC= in its systemd unit`;
  return 'a limit of processes and threads is reached (kernel.threads-max, kernel.pid_max, or one of a container). Raise it';
}

/** Whether the group of `folder` has as many tasks as it may. */
function isFull(folder: string, read: ReadFile): boolean {
  const [most, current] = ['pids.max', 'pids.current'].map((file) => read(join(folder, file)));
  return most !== undefined && current !== undefined && Number(current) >= Number(most); // `max` is no number.
}
