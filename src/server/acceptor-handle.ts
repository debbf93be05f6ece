/** Starts the acceptor thread for main, and talks with it. */
import type { Transferable, Worker } from 'node:worker_threads';
import type { AcceptorStart, FromAcceptor, ToAcceptor } from '../acceptor/messages.ts';
import { Deferred } from './deferred.ts';
import { startWorker, type ThreadProgram } from './threads/worker.ts';

/** The acceptors of all servers of this thread. */
const asleep = new Set<AcceptorHandle>();

function wakeAll(): void {
  for (const acceptor of asleep) acceptor.wake();
}

/** So long no service thread has taken a turn when a server counts as dead, in ms. */
const STANDSTILL_MS = 30_000;

export interface AcceptorSettings {
  /** What the thread runs. */
  readonly program: ThreadProgram;
  readonly start: AcceptorStart;
  readonly transfer?: readonly Transferable[];
  /** Takes what the acceptor says. */
  readonly onMessage: (message: FromAcceptor) => void;
  /** Has it look for messages. */
  readonly signal: () => void;
  /** Wakes it for good: the process ends. */
  readonly wake: () => void;
}

export class AcceptorHandle {
  readonly #settings: AcceptorSettings;
  readonly #worker: Worker;
  /** Ends with the acceptor: resolves when it was told to stop, rejects if it failed. */
  readonly ended: Promise<void>;
  /** By the answer: who waits for it. */
  readonly #asked = new Map<FromAcceptor['type'], Deferred<boolean>>();
  #stopping = false;
  #isOver = false;

  constructor(settings: AcceptorSettings) {
    this.#settings = settings;
    const { program, start, transfer = [] } = settings;
    this.#worker = startWorker(program, {
      workerData: start,
      transferList: [...transfer],
      name: 'acceptor',
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
    });
    this.#worker.on('message', (message: FromAcceptor) => {
      this.#answered(message.type, message.type !== 'pong' || message.blockedMs < STANDSTILL_MS);
      settings.onMessage(message);
    });
    this.ended = new Promise((resolve, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => {
        this.#over();
        if (this.#stopping) resolve();
        else reject(new Error('the acceptor thread ended'));
      });
    });
    this.ended.catch(() => {});
    if (asleep.size === 0) process.on('exit', wakeAll);
    asleep.add(this);
  }

  post(message: ToAcceptor): void {
    if (this.#isOver) return; // What rings it is closed.
    const clients = message.type === 'thread-ready' ? message.clients : undefined;
    this.#worker.postMessage(message, clients === undefined ? [] : [clients]);
    this.#settings.signal();
  }

  /** Has the acceptor take the clients that wait and close the listeners. */
  async drain(): Promise<void> {
    await this.#ask('drain', 'drained');
  }

  /** Resolves with true when this process has taken the place of the one before, with false if the acceptor has ended. */
  async succeed(): Promise<boolean> {
    return this.#ask('succeed', 'accepting');
  }

  /** Whether this thread has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves with true when the acceptor has answered, with false if it has ended, or no thread has been free for 30 s. */
  async ping(): Promise<boolean> {
    return this.#ask('ping', 'pong');
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.post({ type: 'stop' });
    await this.ended.catch(() => {});
    asleep.delete(this);
    if (asleep.size === 0) process.off('exit', wakeAll);
  }

  /** Wakes the acceptor for good: the process ends. */
  wake(): void {
    this.#settings.wake();
  }

  async #ask(type: 'drain' | 'ping' | 'succeed', answer: FromAcceptor['type']): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    const asked = this.#asked.get(answer) ?? new Deferred<boolean>();
    this.#asked.set(answer, asked);
    this.post({ type });
    return asked.promise;
  }

  #answered(answer: FromAcceptor['type'], result: boolean): void {
    this.#asked.get(answer)?.resolve(result);
    this.#asked.delete(answer);
  }

  /** Nobody answers any more. */
  #over(): void {
    this.#isOver = true;
    for (const answer of this.#asked.keys()) this.#answered(answer, false);
  }
}
