/** Runs a zero-downtime restart: takes over from the process before this one, and gives to the next. */
import type { Watch } from './channel.ts';
import { type GiverParts, HandoverGiver } from './give.ts';
import type { Offer, Source } from './start.ts';
import { HandoverTaker, type TakerParts } from './take.ts';

/** How often clients are looked for that have become idle, and room for more, in ms. */
const SCAN_INTERVAL_MS = 5;

/** Who can be read. Not told by the fd: a number that one side has closed may be the other's at once. */
const BEFORE = 0;
const AFTER = 1;
export type Side = typeof BEFORE | typeof AFTER;

export class Handover {
  readonly #taker: HandoverTaker | undefined;
  readonly #giver: HandoverGiver;
  #isOpen = false;

  constructor(taker: HandoverTaker | undefined, successor: HandoverGiver) {
    this.#taker = taker;
    this.#giver = successor;
    this.#open();
  }

  /** This process has the place of the one before, and none has the place of this one. */
  get mayAccept(): boolean {
    return this.#taker?.isAccepting !== true && !this.#giver.isReady;
  }

  /** Another process accepts clients from the listening sockets, or is about to: they are not to be shut down. */
  get sharesSockets(): boolean {
    return this.#giver.isHere || this.#taker?.isAccepting === true;
  }

  /** How long nobody has to look, in ms. */
  get left(): number {
    const isWaiting = this.#taker?.isHere === true || this.#giver.isAtWork;
    return isWaiting ? SCAN_INTERVAL_MS : Infinity;
  }

  /** Takes the place of the process before this one: all threads are ready. */
  succeed(): void {
    this.#taker?.ready();
  }

  /** This process leaves. */
  leave(): void {
    this.#giver.leave();
  }

  /** Takes what `side` says. */
  event(side: Side): void {
    if (side === BEFORE) this.#taker?.event();
    else this.#giver.event();
  }

  /** Does what can be done now, in `performance.now()` ms. */
  step(now: number): void {
    this.#taker?.step(now);
    this.#open();
    this.#giver.step();
  }

  /** Ends the talk with both: this thread ends. */
  close(): void {
    this.#taker?.close();
    this.#giver.close();
  }

  /** Who comes next is let in when all has come that is to come. */
  #open(): void {
    if (this.#isOpen || this.#taker?.isHere === true) return;
    this.#isOpen = true;
    this.#giver.open();
  }
}

/** Meets the process of `heritage`, and waits for the one that gets `estate`; `watchFor` has the acceptor hear of a side. */
export function openHandover(
  parts: Omit<TakerParts & GiverParts, 'watch'>,
  watchFor: (side: Side) => Watch,
  offer: Offer,
  source: Source | undefined,
): Handover {
  const taker = source && new HandoverTaker({ ...parts, watch: watchFor(BEFORE) }, source);
  return new Handover(taker, new HandoverGiver({ ...parts, watch: watchFor(AFTER) }, offer));
}
