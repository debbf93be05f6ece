/** Used to know the service threads: which take clients, which are held, and how many there should be. */
import type { ThreadRow } from '../sharing/thread-board.ts';
import { type ThreadCalls, ThreadWatch } from './thread-watch.ts';

export interface RosterSettings {
  readonly min: number;
  readonly max: number;
  readonly clientsPerThread: number;
  /** In ms. */
  readonly moveAfter: number;
}

/**
 * Who held a thread is likely to do it again, so others are kept from that thread for a while: for the longer time, in
 * ms, while there are enough other threads, for the shorter in any case.
 */
const APART = 10_000;
const APART_AT_LEAST = 500;
/** How long there must have been more threads than are needed before one ends, in ms. */
const QUIET = 5000;
/** How long a request for a thread may take before it is made again, in ms. */
const PATIENCE = 5000;

export class Roster {
  readonly settings: RosterSettings;
  readonly #sys: ThreadCalls;
  #watches: ThreadWatch[] = [];
  #wanted: number;
  #wantedAt = 0;
  /** Since when there are more threads than are needed, in `performance.now()` ms. */
  #lastShortage = performance.now();

  constructor(sys: ThreadCalls, settings: RosterSettings) {
    this.#sys = sys;
    this.settings = settings;
    this.#wanted = settings.min;
  }

  get watches(): readonly ThreadWatch[] {
    return this.#watches;
  }

  add(row: ThreadRow): void {
    this.#watches.push(new ThreadWatch(this.#sys, row, this.settings.moveAfter));
    this.recheck();
  }

  /** Forgets the thread of `row`, and returns what was known of it. */
  remove(row: ThreadRow): ThreadWatch | undefined {
    const watch = this.find(row);
    this.#watches = this.#watches.filter((other) => other !== watch);
    return watch;
  }

  find(row: ThreadRow): ThreadWatch | undefined {
    return this.#watches.find((watch) => watch.row === row);
  }

  /** Has the clients of held threads looked at again at once: a thread has become free. */
  recheck(): void {
    for (const watch of this.#watches) watch.clearedAt = 0;
  }

  /** Threads that take one more client: those that were not held lately, if there are such. */
  get takers(): readonly ThreadRow[] {
    const free = this.#free;
    const isCalm = this.#calmness();
    const calm = free.filter(isCalm);
    return (calm.length > 0 ? calm : free).map((watch) => watch.row);
  }

  /** Threads for a client that cannot wait to be accepted: those that take clients, else any that will come back. */
  get any(): readonly ThreadRow[] {
    const { takers } = this;
    return takers.length > 0 ? takers : this.#watches.filter((watch) => !watch.retiring).map((watch) => watch.row);
  }

  /** Threads for a client that is known to hold its thread: not those where others would wait for it. */
  get burdened(): readonly ThreadRow[] {
    const isCalm = this.#calmness();
    return this.#free.filter((watch) => watch.row.clients === 0 || !isCalm(watch)).map((watch) => watch.row);
  }

  /** Threads among which clients are evened out. */
  get even(): readonly ThreadRow[] {
    const isCalm = this.#calmness();
    return this.#watches.filter((watch) => watch.isFree && isCalm(watch)).map((watch) => watch.row);
  }

  /** Threads that are free, but for whose clients there are better ones. */
  get uneasy(): readonly ThreadRow[] {
    const isCalm = this.#calmness();
    const free = this.#watches.filter((watch) => watch.isFree);
    return free.some(isCalm) ? free.filter((watch) => !isCalm(watch)).map((watch) => watch.row) : [];
  }

  /** Whether a thread was let go so lately that it does not get its share of clients yet. */
  isSettling(now: number): boolean {
    return this.#watches.some((watch) => now - watch.lastHeld < 2 * APART_AT_LEAST);
  }

  get hasRoom(): boolean {
    return this.#free.length > 0;
  }

  /**
   * How many threads to ask for now; `undefined`: there are enough. Beside those that are held, or were a moment ago,
   * there are as many as usual, and one for each stranded client. When no
   * thread is free their number doubles: who waits, waits no longer than two or three starts.
   */
  shortage(now: number): number | undefined {
    const { max } = this.settings;
    const serving = this.#watches.filter((watch) => !watch.retiring);
    const wanted = Math.min(
      max,
      Math.max(this.#needed(serving, now), this.#free.length === 0 ? serving.length * 2 : 0),
    );
    if (wanted >= serving.length) this.#lastShortage = now;
    if (wanted <= serving.length) {
      this.#wanted = serving.length;
      return undefined;
    }
    if (wanted <= this.#wanted && now - this.#wantedAt < PATIENCE) return undefined;
    this.#wanted = wanted;
    this.#wantedAt = now;
    return wanted;
  }

  /** A thread that is not needed any more: there has been no shortage for a while. */
  surplus(now: number): ThreadWatch | undefined {
    const serving = this.#watches.filter((watch) => !watch.retiring);
    if (serving.length <= this.#needed(serving, now) || now - this.#lastShortage < QUIET) return undefined;
    const { clientsPerThread } = this.settings;
    const clients = serving.reduce((sum, { row }) => sum + row.clients, 0);
    if (clients >= (serving.length - 1) * clientsPerThread) return undefined;
    const free = serving.filter((watch) => watch.isFree);
    return free.length < 2
      ? undefined
      : free.reduce((one, other) => (other.row.clients < one.row.clients ? other : one));
  }

  /**
   * Gives threads that were not held for a while their share of the CPU back. Returns those where that is not allowed: each
   * only once.
   */
  raise(now: number): readonly ThreadWatch[] {
    return this.#watches.filter(
      (watch) => watch.isLowered && !watch.isWorn && !watch.retiring && now - watch.lastHeld > APART && !watch.raise(),
    );
  }

  /** How many threads it takes for those that are held, or were lately, and for stranded clients, beside the usual ones. */
  #needed(serving: readonly ThreadWatch[], now: number): number {
    const isCalm = this.#calmness(now);
    const burdened = serving.filter((watch) => !isCalm(watch)).length;
    return this.settings.min + burdened + serving.reduce((sum, watch) => sum + watch.stranded.size, 0);
  }

  /** Tells which threads were not held lately. */
  #calmness(now = performance.now()): (watch: ThreadWatch) => boolean {
    const serving = this.#watches.filter((watch) => !watch.retiring);
    const apart = serving.filter((watch) => now - watch.lastHeld <= APART).length;
    const limit = serving.length - apart >= this.settings.min ? APART : APART_AT_LEAST;
    return (watch) => now - watch.lastHeld > limit;
  }

  get #free(): readonly ThreadWatch[] {
    const { clientsPerThread } = this.settings;
    return this.#watches.filter((watch) => watch.isFree && watch.row.clients < clientsPerThread);
  }
}
