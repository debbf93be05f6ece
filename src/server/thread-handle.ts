/** Used by main to start one service thread and to follow it to its end. */
import { Worker } from 'node:worker_threads';
import { errorFromRecord, HeddleError } from '../errors.ts';
import type { FromThread, ThreadStart, ToThread } from '../thread/messages.ts';

/** Why a thread is gone. */
export interface ThreadEnd {
  /** A short name: `error`, `out-of-memory`, `exit`, or `stopped` if it was told to. */
  readonly cause: string;
  readonly detail: string;
}

const MIB = 2 ** 20;

export class ThreadHandle {
  /** The index of its row on the board. */
  readonly thread: number;
  /** Node's number for it: whose locks to release when it is gone. */
  readonly threadId: number;
  /** Resolves once it serves. Errors: `HEDDLE_SERVICE_LOAD`, `HEDDLE_SERVICE_ERROR`, `HEDDLE_THREAD_EXIT`. */
  readonly ready: Promise<void>;
  readonly ended: Promise<ThreadEnd>;
  /** Resolves when it was told to drain, and has. */
  readonly drained: Promise<void>;
  readonly #worker: Worker;
  #stopping = false;
  #error: Error | undefined;

  constructor(start: ThreadStart, memory: number | undefined) {
    this.thread = start.thread;
    this.#worker = new Worker(new URL('../thread/entry.js', import.meta.url), {
      workerData: start,
      name: `service-${start.thread + 1}`,
      ...(memory !== undefined && { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memory / MIB) } }),
    });
    this.threadId = this.#worker.threadId;
    this.#worker.once('error', (error) => {
      this.#error = error;
    });
    this.ended = new Promise((resolve) => this.#worker.once('exit', (code) => resolve(this.#describeEnd(code))));
    this.drained = new Promise((resolve) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.type === 'drained') resolve();
      });
    });
    this.ready = this.#becomeReady();
    this.ready.catch(() => {});
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Asks the thread to end by itself: it runs the service's `stop` first. */
  stop(): void {
    this.#stopping = true;
    this.post({ type: 'stop' });
  }

  /** Ends the thread wherever it is. */
  async terminate(): Promise<void> {
    this.#stopping = true;
    await this.#worker.terminate();
  }

  #becomeReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.type === 'ready') resolve();
        else if (message.type === 'failed') reject(errorFromRecord(message.error));
      });
      void this.ended.then(({ detail }) => {
        reject(new HeddleError('HEDDLE_THREAD_EXIT', `service thread ${this.thread + 1} ended while it started: ${detail}`));
      });
    });
  }

  #describeEnd(code: number): ThreadEnd {
    const error = this.#error;
    if (error === undefined) {
      return this.#stopping
        ? { cause: 'stopped', detail: 'it was told to' }
        : { cause: 'exit', detail: `process.exit(${code}) was called on it` };
    }
    const memory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    return { cause: memory ? 'out-of-memory' : 'error', detail: error.stack ?? error.message };
  }
}
