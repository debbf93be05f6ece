/** Lets threads start although the folder that the process was started in is gone, as after a deploy that replaces it. */
import { realpathSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const ELSEWHERE = '/';

/** Goes to another folder if the working directory is gone: no thread of Node's starts there. Only the main thread may. */
export function leaveRemovedDirectory(): void {
  if (!isMainThread || isThere()) return;
  process.chdir(ELSEWHERE);
  const what = 'The working directory was removed. No thread can start there, so this process goes on in';
  process.emitWarning(`${what} ${ELSEWHERE}: relative paths begin there now`, { code: 'HEDDLE_NO_DIRECTORY' });
}

function isThere(): boolean {
  try {
    realpathSync.native('.'); // What `process.cwd()` gives was looked up before.
    return true;
  } catch {
    return false;
  }
}
