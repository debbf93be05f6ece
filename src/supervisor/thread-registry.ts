/** Knows the service threads: what each of them is for at the moment, and how many there should be. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each client.
import type { ThreadRow } from '../sharing/thread-board.ts';
import { type ThreadCalls, ThreadWatch } from './thread-watch.ts';
import { cpuCount } from '../sys/cpu-count.ts';

/*
 * A thread has a role, which changes as it is needed:
 *
 * - serving an expensive client: it serves one message of one expensive client, and has no other client;
 * - light: the one that is kept for clients that are known to cost next to nothing, whatever the others do;
 * - spare: free beside that one. All clients but expensive ones may be there while nobody blocks threads.
 *
 * The others are blocked, or retire. Threads are careful for a while after one was blocked by a client that was not known
 * to be expensive: newcomers may be of its kind. They then come through the waiting room, and never to the light thread.
 */

export interface ThreadRegistrySettings {
  readonly min: number;
  readonly max: number;
  readonly clientsPerThread: number;
  /** In ms. */
  readonly moveAfter: number;
  /** There is a waiting room. */
  readonly hasRoom?: boolean;
  /** How many threads can compute at the same time; left out: as many as this machine has CPUs for. */
  readonly cpus?: number;
}

/**
 * Who blocked a thread is likely to do it again, so others are kept from that thread for a while: for the longer time, in
 * ms, while there are enough other threads, for the shorter in any case.
 */
const QUARANTINE_MS = 10_000;
const MIN_QUARANTINE_MS = 500;
/** How long there must have been more threads than are needed before one ends, in ms. */
const SURPLUS_AFTER_MS = 5000;
/** How long a request for a thread may take before it is made again, in ms. */
const REQUEST_TIMEOUT_MS = 5000;
/** How long a start is waited for before clients get on without it: the system may have no threads left. */
const START_MS = 500;
/** So many threads more than the usual ones are ready while there are clients: a block is noticed sooner than a thread starts. */
const RESERVE_THREADS = 1;
/** How long there must have been clients before. */
const SETTLED_MS = 100;
/** How long threads are careful. */
const CAREFUL_MS = 1000;

/** A longer time without a look, in ms, was one in which the whole process stood still. */
const STOOD_STILL_MS = 500;

/** What the threads are for, at one moment. */
interface Roles {
  readonly free: readonly ThreadWatch[];
  readonly light: ThreadWatch | undefined;
  readonly spare: readonly ThreadWatch[];
  /** Free ones that were not blocked lately. */
  readonly healthy: readonly ThreadRow[];
  /** Those of them that have their full share of the CPU and are not in reserve. */
  readonly quick: readonly ThreadRow[];
  readonly accepting: readonly ThreadRow[];
}

export class ThreadRegistry {
  readonly settings: ThreadRegistrySettings;
  /** As many threads that compute keep all CPUs busy. */
  readonly cpus: number;
  readonly #sys: ThreadCalls;
  #watches: ThreadWatch[] = [];
  #wanted: number;
  #wantedAt = 0;
  /** Since when there are more threads than are needed, in `performance.now()` ms. */
  #lastShortage = performance.now();
  /** Since when clients wait that one thread more would serve; Infinity: they do not. */
  #shortSince = Infinity;
  #clientsSince = Infinity;
  #carefulUntil = Number.NEGATIVE_INFINITY;
  /** `undefined`: something has changed since. */
  #roles: Roles | undefined;
  #light: ThreadWatch | undefined;
  #newest: ThreadRow | undefined;
  /** Since when no thread has taken a turn, in `performance.now()` ms; Infinity: one was free when all were looked at. */
  #blockedSince = Infinity;
  /** The same of all but the light one. */
  #spareBlockedSince = Infinity;
  #lookedAt = 0;
  /** The system has refused to give a thread its share of the CPU back. */
  #mayNotRaise = false;

  constructor(sys: ThreadCalls, settings: ThreadRegistrySettings) {
    this.#sys = sys;
    this.settings = settings;
    this.cpus = settings.cpus ?? cpuCount();
    this.#wanted = settings.min;
  }

  get watches(): readonly ThreadWatch[] {
    return this.#watches;
  }

  add(row: ThreadRow): void {
    this.#watches.push(new ThreadWatch(this.#sys, row, this.settings.moveAfter));
    this.#newest = row;
    this.recheck();
  }

  /** Forgets the thread of `row`, and returns what was known of it. */
  remove(row: ThreadRow): ThreadWatch | undefined {
    const watch = this.find(row);
    this.#watches = this.#watches.filter((other) => other !== watch);
    this.changed();
    return watch;
  }

  find(row: ThreadRow): ThreadWatch | undefined {
    return this.#watches.find((watch) => watch.row === row);
  }

  /** Has the clients of blocked threads looked at again at once: a thread has become free. */
  recheck(): void {
    for (const watch of this.#watches) watch.clearedAt = 0;
    this.changed();
  }

  /** To be called when a thread is no longer what it was, and at each look: roles depend on the time as well. */
  changed(): void {
    this.#roles = undefined;
  }

  /** The service wants to know of a client before it has sent anything; as the newest thread says. */
  get speaksFirst(): boolean {
    return this.#newest?.speaksFirst === true;
  }

  /** Whether expensive clients get their turns from the waiting room: not where clients stay with their thread (TLS, sessions, streams). */
  get hasTurns(): boolean {
    return this.settings.hasRoom === true && this.#newest?.pins === false;
  }

  /** Whether clients can wait for a thread in the waiting room. */
  get hasWaitingRoom(): boolean {
    return this.settings.max > 1 && this.hasTurns;
  }

  /** A thread is blocked outside of a turn, by a client that was not known to be expensive: there may be more of them. */
  surprise(now: number): void {
    this.#carefulUntil = now + CAREFUL_MS;
  }

  /** Nobody waits for one thread more, unless `forTurn` finds that again. */
  enough(): void {
    this.#shortSince = Infinity;
  }

  /** Takes note of whether a thread is free. To be called when all threads have been looked at. */
  noteBlocks(now: number): void {
    const serving = this.#watches.filter((watch) => !watch.retiring);
    const hasStoodStill = now - this.#lookedAt > STOOD_STILL_MS && serving.length > 0;
    this.#lookedAt = now;
    const spare = serving.filter((watch) => watch !== this.light);
    this.#blockedSince = blockedSince(serving, hasStoodStill ? Infinity : this.#blockedSince, now);
    this.#spareBlockedSince = blockedSince(spare, hasStoodStill ? Infinity : this.#spareBlockedSince, now);
  }

  /** For how long every thread but the light one has been blocked, each by the same message, in ms. */
  spareBlockedFor(now: number): number {
    return Math.max(0, now - this.#spareBlockedSince);
  }

  /** For how long every thread has been blocked, each by the same message, in ms. */
  blockedFor(now: number): number {
    return Math.max(0, now - this.#blockedSince);
  }

  isCareful(now: number): boolean {
    return now < this.#carefulUntil && this.hasWaitingRoom;
  }

  /** Threads that take one more client: those that were not blocked lately, if there are such. */
  get accepting(): readonly ThreadRow[] {
    return this.#now.accepting;
  }

  /** Threads for a client that cannot wait to be accepted: those that take clients, else any that will come back. */
  get any(): readonly ThreadRow[] {
    const { accepting } = this;
    return accepting.length > 0
      ? accepting
      : this.#watches.filter((watch) => !watch.retiring).map((watch) => watch.row);
  }

  /** The thread that is kept for light clients; `undefined`: none is free. */
  get light(): ThreadWatch | undefined {
    return this.#now.light;
  }

  /** Threads that are free beside that one. */
  get spare(): readonly ThreadWatch[] {
    return this.#now.spare;
  }

  /**
   * A thread for a client that others would wait for: a spare one that light clients do not use, if there is one. The
   * light one only if no other will come soon, and nobody needs it, or it is the last one. `undefined`: one more would help.
   */
  forTurn(now: number): ThreadWatch | undefined {
    const { light, spare } = this.#now;
    if (spare.length > 0) return spare.reduce((one, other) => (worth(other) < worth(one) ? other : one));
    if (this.#shortSince === Infinity) this.#shortSince = now;
    const isGrowing = this.#watches.length < this.settings.max && now - this.#shortSince < START_MS;
    const isAlone = this.#watches.every((watch) => watch === light || watch.retiring);
    return !isGrowing && (isAlone || light?.row.clients === 0) ? light : undefined;
  }

  /**
   * Has the light thread serve at its full share of the CPU, if it is a lowered one for want of others. Returns it if that is
   * not allowed, once: another has to take its place.
   */
  raiseLight(): ThreadWatch | undefined {
    const { light } = this;
    if (light === undefined || !light.isLowered || light.isDemoted) return undefined;
    if (!light.raise()) {
      this.#mayNotRaise = true;
      return light;
    }
    light.lastBlocked = Number.NEGATIVE_INFINITY;
    this.changed();
    return undefined;
  }

  /** All that do not retire, the free ones first. */
  get serving(): readonly ThreadRow[] {
    const serving = this.#watches.filter((watch) => !watch.retiring);
    return rows([...serving.filter((watch) => watch.isFree), ...serving.filter((watch) => !watch.isFree)]);
  }

  /** Threads among which clients are evened out. */
  get even(): readonly ThreadRow[] {
    return this.#now.quick.length > 0 ? this.#now.quick : this.#now.healthy;
  }

  /** Threads that are free, but for whose clients there are better ones. */
  get recentlyBlocked(): readonly ThreadRow[] {
    const { healthy, free, quick } = this.#now;
    const better = quick.length > 0 ? quick : healthy;
    return better.length === 0 ? [] : free.map((watch) => watch.row).filter((row) => !better.includes(row));
  }

  /** Whether a thread was let go so lately that it does not get its share of clients yet. */
  isSettling(now: number): boolean {
    return this.#watches.some((watch) => now - watch.lastBlocked < 2 * MIN_QUARANTINE_MS);
  }

  /** Whether there may be more threads. */
  get mayGrow(): boolean {
    return this.#watches.filter((watch) => !watch.retiring).length < this.settings.max;
  }

  get hasRoom(): boolean {
    return this.#now.free.length > 0;
  }

  /**
   * How many threads to ask for now; `undefined`: there are enough. Beside those that are blocked, or were a moment ago,
   * there are as many as usual, and one more if clients wait for one. While none is free it is only one more: it serves
   * the sooner the less it has to share the CPUs with other starts.
   */
  shortage(now: number): number | undefined {
    const { max } = this.settings;
    const serving = this.#watches.filter((watch) => !watch.retiring);
    const next = serving.length + 1;
    const isNoneFree = this.#now.free.length === 0;
    const needed = isNoneFree ? next : Math.max(this.#needed(serving, now), this.#shortSince === Infinity ? 0 : next);
    const wanted = Math.min(max, needed);
    if (wanted >= serving.length) this.#lastShortage = now;
    if (wanted <= serving.length) {
      this.#wanted = serving.length;
      return undefined;
    }
    if (wanted <= this.#wanted && now - this.#wantedAt < REQUEST_TIMEOUT_MS) return undefined;
    this.#wanted = wanted;
    this.#wantedAt = now;
    return wanted;
  }

  /** A thread that is not needed any more: there has been no shortage for a while. */
  surplus(now: number): ThreadWatch | undefined {
    const serving = this.#watches.filter((watch) => !watch.retiring);
    if (serving.length <= this.#needed(serving, now) || now - this.#lastShortage < SURPLUS_AFTER_MS) return undefined;
    const { clientsPerThread } = this.settings;
    const clients = serving.reduce((sum, { row }) => sum + row.clients, 0);
    if (clients >= (serving.length - 1) * clientsPerThread) return undefined;
    const free = serving.filter((watch) => watch.isFree);
    return free.length < 2
      ? undefined
      : free.reduce((one, other) => (other.row.clients < one.row.clients ? other : one));
  }

  /**
   * Gives threads that were not blocked for a while their share of the CPU back: sooner while fewer threads than usual have
   * theirs. Returns the threads whose share the system does not raise: each only once.
   */
  raise(now: number): readonly ThreadWatch[] {
    const refused: ThreadWatch[] = [];
    let full = this.#watches.filter((watch) => !watch.retiring && !watch.isLowered).length;
    for (const watch of this.#watches) {
      if (!this.#mayRaise(watch, full, now)) continue;
      if (watch.raise()) full++;
      else refused.push(watch);
    }
    this.#mayNotRaise ||= refused.length > 0;
    return refused;
  }

  /** `full`: how many threads have their full share of the CPU. */
  #mayRaise(watch: ThreadWatch, full: number, now: number): boolean {
    if (!watch.isLowered || watch.isDemoted || watch.servesExpensive || watch.retiring) return false;
    // Where the system refuses, a thread has to be replaced, and a start costs more CPU than the wait.
    const isSoon = full < this.settings.min && !this.#mayNotRaise;
    return now - watch.lastBlocked > (isSoon ? MIN_QUARANTINE_MS : QUARANTINE_MS);
  }

  /** How many threads it takes for those that are blocked, or were lately, or have an expensive client, beside the usual ones. */
  #needed(serving: readonly ThreadWatch[], now: number): number {
    const isHealthy = this.#healthTest(now);
    const reserve = this.#hasClients(now) ? RESERVE_THREADS : 0;
    return this.settings.min + reserve + serving.filter((watch) => !isHealthy(watch)).length;
  }

  /** Whether there have been clients for a moment: with the first ones, a start would only be in their way. */
  #hasClients(now: number): boolean {
    if (!this.hasWaitingRoom) return false;
    if (this.#watches.every(({ row }) => row.clients === 0)) this.#clientsSince = Infinity;
    else if (this.#clientsSince === Infinity) this.#clientsSince = now;
    return now - this.#clientsSince >= SETTLED_MS;
  }

  /** Tells which threads were not blocked lately. */
  #healthTest(now = performance.now()): (watch: ThreadWatch) => boolean {
    const serving = this.#watches.filter((watch) => !watch.retiring);
    const apart = serving.filter((watch) => watch.servesExpensive || now - watch.lastBlocked <= QUARANTINE_MS).length;
    const limit = serving.length - apart >= this.settings.min ? QUARANTINE_MS : MIN_QUARANTINE_MS;
    return (watch) => !watch.servesExpensive && now - watch.lastBlocked > limit;
  }

  /** The roles; where a thread takes so many clients only, each client may change them. */
  get #now(): Roles {
    if (this.#roles === undefined || this.settings.clientsPerThread !== Infinity) this.#roles = this.#decide();
    return this.#roles;
  }

  #decide(): Roles {
    const { clientsPerThread } = this.settings;
    const now = performance.now();
    const free = this.#watches.filter((watch) => watch.isFree && watch.row.clients < clientsPerThread);
    const light = this.hasWaitingRoom ? this.#chooseLight(free) : undefined;
    const spare = light === undefined ? free : free.filter((watch) => watch !== light);
    const isHealthy = this.#healthTest(now);
    const healthy = free.filter(isHealthy);
    const quick = this.#usual(healthy.filter((watch) => !watch.isLowered));
    const best = quick.length > 0 ? quick : healthy.length > 0 ? healthy : free;
    const accepting = light !== undefined && spare.length <= 1 && this.isCareful(now) ? [light] : best;
    return { free, light, spare, healthy: rows(healthy), quick: rows(quick), accepting: rows(accepting) };
  }

  /** Those that light clients share: as many as usual, however many are free. The others are in reserve. */
  #usual(quick: readonly ThreadWatch[]): readonly ThreadWatch[] {
    if (!this.hasWaitingRoom || quick.length <= this.settings.min) return quick;
    return [...quick].sort((one, other) => other.row.clients - one.row.clients).slice(0, this.settings.min);
  }

  /** The one that was, while it is free; else one with its full share of the CPU, and with most clients. */
  #chooseLight(free: readonly ThreadWatch[]): ThreadWatch | undefined {
    if (this.#light === undefined || !free.includes(this.#light)) {
      this.#light =
        free.length === 0 ? undefined : free.reduce((one, other) => (worth(other) > worth(one) ? other : one));
    }
    return this.#light;
  }
}

/** Since when none of `watches` has taken a turn; `before`: the same at the last look. */
function blockedSince(watches: readonly ThreadWatch[], before: number, now: number): number {
  if (watches.some((watch) => !watch.isBlocked)) return Infinity;
  return before === Infinity ? now : Math.max(before, ...watches.map((watch) => watch.blockedSince));
}

function rows(watches: readonly ThreadWatch[]): readonly ThreadRow[] {
  return watches.map((watch) => watch.row);
}

/** How much a thread is worth to light clients: its share of the CPU comes first, then how many would have to move. */
function worth({ isLowered, row }: ThreadWatch): number {
  return isLowered ? row.clients - 2 ** 30 : row.clients;
}
