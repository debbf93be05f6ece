/** Used by main to start the acceptor thread and to talk with it. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { AcceptorStart, FromAcceptor, ToAcceptor } from '../acceptor/messages.ts';
import type { Sys } from '../sys/sys.ts';

/** The acceptors of all servers of this thread. */
const asleep = new Set<AcceptorHandle>();

function wakeAll(): void {
  for (const acceptor of asleep) acceptor.wake();
}

export class AcceptorHandle {
  readonly #sys: Sys;
  readonly #mailboxFd: number;
  readonly #worker: Worker;
  /** Ends with the acceptor: resolves when it was told to stop, rejects if it failed. */
  readonly ended: Promise<void>;
  readonly #exiting = new Int32Array(new SharedArrayBuffer(4));
  #stopping = false;

  /** `listener` takes what the acceptor says. */
  constructor(sys: Sys, start: Omit<AcceptorStart, 'exiting'>, listener: (message: FromAcceptor) => void) {
    this.#sys = sys;
    this.#mailboxFd = start.mailboxFd;
    this.#worker = new Worker(new URL('../acceptor/entry.js', import.meta.url), {
      workerData: { ...start, exiting: this.#exiting.buffer },
      name: 'acceptor',
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
    });
    this.#worker.on('message', listener);
    this.ended = new Promise((resolve, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => {
        if (this.#stopping) resolve();
        else reject(new Error('the acceptor thread ended'));
      });
    });
    this.ended.catch(() => {});
    // The acceptor sleeps in a system call, which holds up the end of the process until somebody wakes it.
    if (asleep.size === 0) process.on('exit', wakeAll);
    asleep.add(this);
  }

  post(message: ToAcceptor): void {
    this.#worker.postMessage(message);
    this.#ring();
  }

  /** Has the acceptor take the clients that wait and close the listeners. */
  async drain(): Promise<void> {
    this.post({ type: 'drain' });
    for (;;) {
      const said = (await Promise.race([once(this.#worker, 'message'), this.ended])) as [FromAcceptor] | undefined;
      if (said === undefined || said[0].type === 'drained') return;
    }
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
    Atomics.store(this.#exiting, 0, 1);
    this.#ring();
  }

  #ring(): void {
    this.#sys.eventfdSignal(this.#mailboxFd);
  }
}
