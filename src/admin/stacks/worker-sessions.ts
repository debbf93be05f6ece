/** Talks to the inspectors of this process's threads. Nothing is opened for others: no port, no debugger. */
import { Session } from 'node:inspector';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a thread may take to answer, in ms: one in native code answers when that returns. */
const ANSWER_MS = 30_000;

/** How long a session may take to come, and how often it is looked for, in ms. */
const ATTACH_MS = 500;
const LOOK_MS = 2;

interface Attached {
  readonly sessionId: string;
  readonly workerInfo: { readonly title: string };
}

/** A thread that can be asked. */
interface AskedThread {
  readonly sessionId: string;
  readonly ended: AbortController;
}

interface Waiting {
  readonly sessionId: string;
  readonly answered: (answer: Answer) => void;
  readonly failed: (error: Error) => void;
}

type Answer = { readonly id?: number; readonly result?: unknown; readonly error?: { readonly message: string } };

/**
 * A session of main's own, which reaches each thread by `NodeWorker`. `Debugger` is never enabled, and no thread is ever paused: one that
 * is paused when main stops is stuck for good, and `terminate` hangs with it (Node 20 to 26).
 */
export class WorkerSessions {
  readonly #session = new Session();
  /** By Node's number of the thread. */
  readonly #threads = new Map<number, AskedThread>();
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor() {
    const session = this.#session;
    session.connect();
    session.on('NodeWorker.attachedToWorker', ({ params }: { params: Attached }) => {
      const [, threadId] = /^\[worker (\d+)\]/.exec(params.workerInfo.title) ?? [];
      const { sessionId } = params;
      if (threadId !== undefined) this.#threads.set(Number(threadId), { sessionId, ended: new AbortController() });
    });
    session.on('NodeWorker.detachedFromWorker', ({ params }: { params: { readonly sessionId: string } }) => {
      for (const [threadId, { ended, sessionId }] of this.#threads) {
        if (sessionId !== params.sessionId) continue;
        this.#threads.delete(threadId);
        ended.abort();
      }
      this.#fail('the thread has ended', params.sessionId);
    });
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }: { params: { readonly message: string } }) => {
      const answer = JSON.parse(params.message) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.answered(answer);
    });
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  /**
   * Resolves when the thread can be asked, with a signal that is aborted when the thread ends: Node tells of threads a moment after it was
   * asked for them. `undefined`: there is no such thread any more.
   */
  async attached(threadId: number): Promise<AbortSignal | undefined> {
    const until = performance.now() + ATTACH_MS;
    while (!this.#threads.has(threadId) && performance.now() < until) await delay(LOOK_MS, undefined, { ref: false });
    return this.#threads.get(threadId)?.ended.signal;
  }

  /** Asks thread `threadId`. Rejects if it is gone, refuses, or does not answer. */
  async ask(threadId: number, method: string, params: object = {}): Promise<unknown> {
    const asked = this.#threads.get(threadId);
    if (asked === undefined) throw new Error(`no session with thread ${threadId}`);
    const { sessionId } = asked;
    const id = ++this.#lastId;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<unknown>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`${method}: no answer`)), ANSWER_MS).unref();
        const answered = ({ error, result }: Answer): void => {
          if (error === undefined) resolve(result);
          else reject(new Error(error.message));
        };
        this.#waiting.set(id, { sessionId, answered, failed: reject });
        const message = JSON.stringify({ id, method, params });
        this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
          if (error !== null) reject(error);
        });
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#session.disconnect();
    this.#fail('the sessions were closed');
  }

  /** Nobody will answer: not the thread of `sessionId`; without it, no thread. */
  #fail(why: string, sessionId?: string): void {
    for (const waiting of this.#waiting.values())
      if (sessionId === undefined || waiting.sessionId === sessionId) waiting.failed(new Error(why));
  }
}
