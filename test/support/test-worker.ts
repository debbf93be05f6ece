/** Real threads for tests of shared memory: a piece of code that runs in a worker against the source. */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

const SOURCE = new URL('../../src/', import.meta.url).href;
const JITI = createRequire(import.meta.url).resolve('jiti');

/**
 * Starts a worker that runs `body`, the inside of an async function. It has `data`, `post(value)`, `threadId` and
 * `load(path)`, which imports a file of `src`. It is ended with the test.
 */
export function startWorker(body: string, data: Readonly<Record<string, unknown>> = {}): Worker {
  const code = `
    const { parentPort, workerData: data, threadId } = require('node:worker_threads');
    const jiti = require(${JSON.stringify(JITI)}).createJiti(${JSON.stringify(SOURCE)});
    const load = (path) => jiti.import(${JSON.stringify(SOURCE)} + path);
    const post = (value) => parentPort.postMessage(value);
    // Atomics.waitAsync alone does not keep a thread.
    const alive = setInterval(() => {}, 1000);
    (async () => {${body}})().finally(() => clearInterval(alive));`;
  const worker = new Worker(code, { eval: true, workerData: data });
  onTestFinished(async () => void (await worker.terminate()));
  return worker;
}

/** The next message of `worker`; rejects with what it threw. */
export async function messageOf<T>(worker: Worker): Promise<T> {
  const [message] = (await once(worker, 'message')) as [T];
  return message;
}

/** Runs `body` in a worker to its end and gives what it posted first, `undefined` if nothing. */
export async function runWorker<T>(body: string, data: Readonly<Record<string, unknown>> = {}): Promise<T> {
  const worker = startWorker(body, data);
  let result: T | undefined;
  worker.once('message', (message: T) => {
    result = message;
  });
  await once(worker, 'exit');
  return result as T;
}
