/** Starts one service thread for main, and follows it to its end. */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MessagePort, Worker } from 'node:worker_threads';
import { crash, errorFromRecord, type ErrorRecord, errorToRecord, HeddleError } from '../../errors.ts';
import { tooFewFiles } from '../../sys/file-limit.ts';
import type { FromThread, ThreadStart, ToThread, TrialStart } from '../../thread/messages.ts';
import { UnknownNeeds } from '../../thread/unknown-needs.ts';
import { Deferred } from '../deferred.ts';
import { sourceStack } from '../source-stack.ts';
import { startWorker, type ThreadProgram } from './worker.ts';

/** Why a thread is gone. */
export interface ThreadEnd {
  /** A short name: `error`, `out-of-memory`, `exit`, `handler-timeout`, or `stopped` if that was in order. */
  readonly cause: string;
  readonly detail: string;
}

const MIB_BYTES = 2 ** 20;

/** How long a thread may take to end that was told to, in ms: in a system call it hears nothing of it. */
const LOST_AFTER_MS = 1000;

/**
 * In MiB. The garbage of 1,000 sessions is collected with what lives in the young generation: a message costs 12 % less with 24 than
 * with 6, and with V8's usual 48 as much. A client that has spoken once costs 1.7 KB with 24 and 1.5 with 6 (`npm run bench --
 * idle-memory`).
 */
const YOUNG_GENERATION_MIB = 24;

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
  /** Resolves when nobody needs to wait for it: it has ended, or is lost. */
  readonly over: Promise<unknown>;
  /** It was told to end and does not: it is in a system call. */
  isLost = false;
  readonly #lost = new Deferred<void>();
  readonly #loaded: Promise<void>;
  /** It has old code, or there are too many threads: it ends when it has no client any more. */
  isRetiring = false;
  /** It was handed to the acceptor. */
  serves = false;
  readonly #worker: Worker;
  /** The module of the service, for errors. */
  readonly #service: string;
  /** Where it takes its clients, in the net engine. */
  #clients: MessagePort | undefined;
  #end: ThreadEnd | undefined;

  /** `program` is what the thread runs: its engine's. */
  constructor(program: ThreadProgram, start: ThreadStart | TrialStart, memory: number | undefined) {
    this.thread = start.thread;
    this.#service = serviceName(start.service);
    this.#worker = startWorker(program, {
      workerData: start,
      name: `service-${start.thread + 1}`,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB,
        ...(memory !== undefined && { maxOldGenerationSizeMb: Math.ceil(memory / MIB_BYTES) }),
      },
    });
    this.threadId = this.#worker.threadId;
    this.#worker.once('error', (error) => {
      const shortage = this.serves ? undefined : tooFewFiles(error);
      this.#end ??= shortage === undefined ? describeError(error) : { cause: 'start', detail: shortage.message };
    });
    this.ended = new Promise((resolve) =>
      this.#worker.once('exit', (code) => resolve(this.#end ?? describeExit(code))),
    );
    this.over = Promise.race([this.ended, this.#lost.promise]);
    this.drained = this.#hasSaid('drained');
    this.#loaded = this.#hasSaid('loaded');
    this.ready = this.#becomeReady();
    this.ready.catch(() => {});
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Hands over where it takes its clients, once; `undefined` where it has them from its epoll set. */
  takeClients(): MessagePort | undefined {
    const clients = this.#clients;
    this.#clients = undefined;
    return clients;
  }

  /** Asks the thread to end by itself: it runs the service's `stop` first. */
  stop(): void {
    this.#end ??= { cause: 'stopped', detail: 'it was told to' };
    this.post({ type: 'stop' });
  }

  /** Ends the thread wherever it is, for `cause`; false: after `within` ms it has not ended. */
  async terminate(cause: string, detail: string, within = LOST_AFTER_MS): Promise<boolean> {
    this.#end ??= { cause, detail };
    Promise.race([this.#loaded, this.ended])
      .then(async () => this.#worker.terminate())
      .catch(crash);
    const ending = new AbortController();
    const late = delay(within, false, { signal: ending.signal, ref: false }).catch(() => false);
    const hasEnded = await Promise.race([this.ended.then(() => true), late]);
    ending.abort();
    return hasEnded;
  }

  /** Nobody waits for it any more. */
  lose(): void {
    this.isLost = true;
    this.#lost.resolve();
  }

  /** The same, where nothing can be awaited. */
  abandon(): void {
    this.#worker.terminate().catch(() => {}); // Nobody is left to be told.
  }

  async #hasSaid(type: FromThread['type']): Promise<void> {
    return new Promise((resolve) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.type === type) resolve();
      });
    });
  }

  #startError({ cause, detail }: ThreadEnd): HeddleError {
    const text =
      cause === 'exit'
        ? `Cannot start the service ${this.#service}: ${detail}, before it could serve`
        : `service thread ${this.thread + 1} ended while it started: ${detail}`;
    return new HeddleError('HEDDLE_THREAD_EXIT', text);
  }

  async #becomeReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: FromThread) => {
        if (message.type === 'ready') {
          this.#clients = message.clients;
          resolve();
        } else if (message.type === 'failed') {
          // It ends by itself now, which is not to be told as another reason.
          this.#end ??= { cause: 'stopped', detail: 'it could not start' };
          const { error, needs } = message;
          reject(needs === undefined ? errorWithSource(error) : new UnknownNeeds(this.#service, needs));
        }
      });
      this.ended.then((end) => reject(this.#startError(end)), reject);
    });
  }
}

function errorWithSource(record: ErrorRecord): HeddleError {
  const error = errorFromRecord(record);
  if (record.stack !== undefined) error.stack = sourceStack(record.stack);
  return error;
}

function serviceName(href: string): string {
  return href.startsWith('file:') ? fileURLToPath(href) : href;
}

function describeExit(code: number): ThreadEnd {
  const stuck = code === 0 ? ', or what it awaits can never come' : '';
  return { cause: 'exit', detail: `process.exit(${code}) was called on its thread${stuck}` };
}

/** `error` is whatever was thrown. */
function describeError(error: unknown): ThreadEnd {
  const isMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const { message, stack } = errorToRecord(error, 'HEDDLE_THREAD_EXIT');
  const detail = stack ?? (message === '' ? 'an error that says nothing' : message);
  return { cause: isMemory ? 'out-of-memory' : 'error', detail };
}
