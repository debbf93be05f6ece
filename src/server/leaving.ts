/** Ends a server well: by a drain, or since the next process has taken its place. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerEvent } from '../log/event.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { AcceptorHandle } from './acceptor-handle.ts';
import type { ThreadPool } from './threads/thread-pool.ts';
import type { Doors } from './watch/doors.ts';

/** How often a drain looks whether clients are left, in ms. */
const DRAIN_SCAN_INTERVAL_MS = 5;

/** What is told of clients that a drain has not come to an end with. */
const TOO_LATE = 'still open at shutdownTimeout';

/** How long a thread that was told to stop may run the service's `stop`, in ms. */
const STOP_TIMEOUT_MS = 1000;
/** The same where `shutdownTimeout` is over. */
const CUT_OFF_GRACE = 500;

export interface LeavingParts {
  readonly settings: Pick<ServeSettings, 'drainDelay' | 'shutdownTimeout'>;
  readonly table: Pick<ConnectionTable, 'isEmpty'>;
  readonly acceptor: Pick<AcceptorHandle, 'drain'>;
  readonly pool: Pick<ThreadPool, 'drain' | 'tellAll'>;
  readonly doors: Pick<Doors, 'close' | 'openSoon'>;
  readonly report: (event: ServerEvent) => void;
  /** Settles when the server has ended. */
  readonly closed: Promise<void>;
  /** The end, once it has begun, whoever has asked for it. */
  readonly ending: () => Promise<void> | undefined;
  /** Ends the server unless it ends already: threads get `grace` ms; `detail` says why clients are left, if that is not in order. */
  readonly end: (grace: number, detail?: string) => Promise<void>;
}

export class Leaving {
  readonly #parts: LeavingParts;
  /** The process that accepts clients now; `lost` is aborted if it ends before this one. */
  #successor: { readonly pid: number; readonly lost: AbortController } | undefined;
  #draining: Promise<void> | undefined;

  constructor(parts: LeavingParts) {
    this.#parts = parts;
  }

  /** The server is going to end, unless its successor is lost. */
  get isOn(): boolean {
    return this.#draining !== undefined || this.#successor !== undefined;
  }

  /** The process that accepts clients now; `undefined`: this one, or none. */
  get successor(): number | undefined {
    return this.#successor?.pid;
  }

  /** Leaves for nobody: says so, gives others `drainDelay` to notice, and ends. */
  async drain(): Promise<void> {
    this.#draining ??= this.#leave();
    return this.#draining;
  }

  /**
   * Leaves for process `successor`, which accepts clients now. Those idle go there; the others have half of
   * `shutdownTimeout` to become idle or to leave, and are then drained within the other half.
   */
  async handOver(successor: number): Promise<void> {
    const { doors, pool, report, settings } = this.#parts;
    const lost = new AbortController();
    this.#successor = { pid: successor, lost };
    if (this.#draining !== undefined || this.#parts.ending() !== undefined) return;
    doors.close(); // They are the successor's, which may listen at the same places.
    report({ type: 'handing-over', time: Date.now(), successor });
    pool.tellAll('leave');
    const undisturbed = new AbortController();
    const signal = AbortSignal.any([undisturbed.signal, lost.signal]);
    const half = settings.shutdownTimeout / 2;
    await Promise.race([this.#empty(signal), delay(half, undefined, { signal }).catch(() => {})]);
    undisturbed.abort();
    if (lost.signal.aborted) return;
    this.#draining ??= this.#finishWithin(half);
    await this.#draining;
  }

  /** Stays after all: process `successor` has ended too early, and the acceptor accepts clients again. */
  goOn(successor: number): void {
    const { doors, pool, report } = this.#parts;
    this.#successor?.lost.abort();
    this.#successor = undefined;
    pool.tellAll('stay');
    doors.openSoon();
    report({ type: 'hand-over-failed', time: Date.now(), successor });
  }

  async #leave(): Promise<void> {
    const ending = this.#parts.ending();
    if (ending !== undefined) return ending;
    const { drainDelay, shutdownTimeout } = this.#parts.settings;
    this.#parts.report({ type: 'drain', time: Date.now(), acceptsMs: drainDelay });
    if (drainDelay > 0) await this.#within(drainDelay, async () => new Promise(() => {}));
    return this.#finishWithin(shutdownTimeout);
  }

  async #finishWithin(ms: number): Promise<void> {
    const ending = this.#parts.ending();
    if (ending !== undefined) return ending;
    const isDone = await this.#within(ms, async (signal) => this.#finish(signal));
    return isDone ? this.#parts.end(STOP_TIMEOUT_MS) : this.#parts.end(CUT_OFF_GRACE, TOO_LATE);
  }

  /** Resolves when `work` is done (true), when `ms` have passed, or when the server has been closed; `work` then hears of it. */
  async #within(ms: number, work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    const deadline = new AbortController();
    const { signal } = deadline;
    const done = work(signal).then(() => true);
    const timeout = delay(ms, false, { signal }).catch(() => false);
    const closed = this.#parts.closed.then(
      () => false,
      () => false,
    );
    const isDone = await Promise.race([done, timeout, closed]);
    deadline.abort();
    return isDone;
  }

  /** Accepts no more clients, answers what has arrived, and closes all. */
  async #finish(signal: AbortSignal): Promise<void> {
    await this.#parts.acceptor.drain();
    await this.#parts.pool.drain();
    await this.#empty(signal);
  }

  /**
   * Waits until no client is left: one that moved from a blocked thread to one that was drained already is drained there. Counts of
   * clients would not do: one that moves, or is being handed over, is nowhere counted for a moment.
   */
  async #empty(signal: AbortSignal): Promise<void> {
    while (!this.#parts.table.isEmpty && !signal.aborted) await delay(DRAIN_SCAN_INTERVAL_MS);
  }
}
