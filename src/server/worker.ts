/** Starts threads. */
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { tooFewThreads } from '../sys/thread-limit.ts';
import { leaveRemovedDirectory } from './working-directory.ts';

/** CommonJS, whose `require` reads all modules of a thread in one go: with an ES module, the first client is answered 7 % later. */
const ENTRY = new URL('./worker-entry.cjs', import.meta.url);

/**
 * Starts a thread that runs the module at `url`; its `workerData` is the one of `options`.
 *
 * Errors: `HEDDLE_UNSUPPORTED` if the system starts no more threads.
 */
export function startWorker(url: URL, options: WorkerOptions & { readonly workerData: object }): Worker {
  leaveRemovedDirectory();
  try {
    return new Worker(ENTRY, { ...options, workerData: { ...options.workerData, module: fileURLToPath(url) } });
  } catch (error) {
    throw tooFewThreads(error) ?? error;
  }
}
