/** Decides which thread to end when none takes a turn while clients wait: the one that has been blocked longest. */
import type { ThreadRegistry } from './thread-registry.ts';
import type { ThreadWatch } from './thread-watch.ts';

/*
 * With endless loops on all threads, everybody would wait until `handlerTimeout`. So the server gives one of the messages up. A
 * handler that may take long must not be hit for that: one thread that takes a turn now and then is enough to serve the others.
 */

/** For how long no thread has taken a turn, in ms: with as many threads as there may be, and with fewer: then one more is about to serve. */
const PATIENCE_MS = 1000;
const PATIENCE_GROWING_MS = 5000;
/**
 * The same of all threads but the light one, while newcomers wait for one of them: those who are known are served meanwhile, and a burst of
 * honest messages blocks as many threads for as long as the CPUs need for all of them.
 */
const PATIENCE_NEWCOMERS_MS = 10_000;
/** What the message must have cost so far, in ms: on few CPUs, many ordinary messages together may block all threads as long. */
const LEAST_COST_MS = 500;
/** How long after one thread was ended the next may be, in ms. */
const PAUSE_MS = 1000;
/** When it is asked again whether clients wait, in ms. */
const ASK_AGAIN_MS = 100;

const ADVICE = 'and its handler had blocked it for longest. Have handlers return sooner, or allow more threads';
const NONE_FREE = `no thread was free for a second while clients waited, ${ADVICE}`;
const SPARE_BLOCKED = `only the thread for light clients was free for ten seconds while new clients waited, ${ADVICE}`;

export class Standstill {
  /** Why the thread that was found last is to end. */
  reason = NONE_FREE;
  readonly #registry: ThreadRegistry;
  readonly #waits: () => boolean;
  readonly #newcomersWait: () => boolean;
  #nextAt = 0;

  /**
   * `waits` says whether a client that is not known to be expensive waits for a thread; `newcomersWait`, whether newcomers wait for
   * one that is not the light one.
   */
  constructor(registry: ThreadRegistry, waits: () => boolean, newcomersWait: () => boolean) {
    this.#registry = registry;
    this.#waits = waits;
    this.#newcomersWait = newcomersWait;
  }

  /** The thread that is to end now, if one is. To be called when all threads have been looked at. */
  find(now: number): ThreadWatch | undefined {
    const { settings, watches } = this.#registry;
    if (settings.max === 1 || settings.clientsPerThread !== Infinity || now < this.#nextAt) return undefined;
    const serving = watches.filter((watch) => !watch.retiring);
    const patience = serving.length < settings.max ? PATIENCE_GROWING_MS : PATIENCE_MS;
    const isEnding = watches.some((watch) => watch.reported);
    const isNoneFree = this.#registry.blockedFor(now) >= patience;
    const isSpareBlocked = this.#registry.spareBlockedFor(now) >= PATIENCE_NEWCOMERS_MS;
    if (serving.length === 0 || isEnding || !(isNoneFree || isSpareBlocked)) return undefined;
    const longest = serving.reduce((one, other) => (blockedLonger(other, one) ? other : one));
    if (!longest.isBlocked || costOf(longest, now) < LEAST_COST_MS) return undefined;
    const isForAll = isNoneFree && this.#waits();
    const isFound = isForAll || (isSpareBlocked && this.#newcomersWait());
    this.reason = isForAll ? NONE_FREE : SPARE_BLOCKED;
    this.#nextAt = now + (isFound ? PAUSE_MS : ASK_AGAIN_MS);
    return isFound ? longest : undefined;
  }
}

/** What the message that blocks a thread has cost, in ms: its time counts where it waits for something else; never where it waits for a CPU. */
function costOf(watch: ThreadWatch, now: number): number {
  const { cpu, wall } = watch.costSoFar(now);
  return watch.isWaiting(now) ? wall : cpu;
}

function blockedLonger(one: ThreadWatch, other: ThreadWatch): boolean {
  return one.isBlocked && (!other.isBlocked || one.blockedSince < other.blockedSince);
}
