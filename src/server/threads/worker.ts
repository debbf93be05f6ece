/** Starts a thread. */
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { tooFewThreads } from '../../sys/thread-limit.ts';
import { leaveRemovedDirectory } from './working-directory.ts';

/** What a thread runs: each is one file, built from the module that is named beside it (`build/bundles.ts`). */
export type ThreadProgram =
  | 'epoll-thread' // epoll/thread-entry.ts
  | 'net-thread' // net/thread-entry.ts
  | 'epoll-acceptor' // epoll/acceptor-entry.ts
  | 'net-acceptor'; // net/acceptor-entry.ts

/**
 * Starts a thread that runs `program`. It is built into a file beside the one that this module is built into.
 *
 * Errors: `HEDDLE_UNSUPPORTED` if the system starts no more threads.
 */
export function startWorker(program: ThreadProgram, options: WorkerOptions & { readonly workerData: object }): Worker {
  leaveRemovedDirectory();
  try {
    return new Worker(new URL(`./${program}.cjs`, import.meta.url), options);
  } catch (error) {
    throw tooFewThreads(error) ?? error;
  }
}
