/** Used to pass a server on from process to process: this one may have taken the place of another, and give it to a third. */
import type { Watch } from './link.ts';
import { type Heritage, Predecessor, type PredecessorParts } from './predecessor.ts';
import { type Estate, Successor, type SuccessorParts } from './successor.ts';

/** How often clients are looked for that have come to rest, and room for more, in ms. */
const LOOK = 5;

/** Who can be read. Not told by the fd: a number that one side has closed may be the other's at once. */
const BEFORE = 0;
const AFTER = 1;
export type Side = typeof BEFORE | typeof AFTER;

export class Succession {
  readonly #predecessor: Predecessor | undefined;
  readonly #successor: Successor;
  #isOpen = false;

  constructor(predecessor: Predecessor | undefined, successor: Successor) {
    this.#predecessor = predecessor;
    this.#successor = successor;
    this.#open();
  }

  /** This process has the place of the one before, and none has the place of this one. */
  get mayAccept(): boolean {
    return this.#predecessor?.isAccepting !== true && !this.#successor.isReady;
  }

  /** Another process accepts clients from the listening sockets, or is about to: they are not to be shut down. */
  get sharesSockets(): boolean {
    return this.#successor.isHere || this.#predecessor?.isAccepting === true;
  }

  /** How long nobody has to look, in ms. */
  get left(): number {
    const isWaiting = this.#predecessor?.isHere === true || this.#successor.isAtWork;
    return isWaiting ? LOOK : Infinity;
  }

  /** Takes the place of the process before this one: all threads are ready. */
  succeed(): void {
    this.#predecessor?.ready();
  }

  /** This process leaves. */
  leave(): void {
    this.#successor.leave();
  }

  /** Takes what `side` says. */
  event(side: Side): void {
    if (side === BEFORE) this.#predecessor?.event();
    else this.#successor.event();
  }

  /** Does what can be done now, in `performance.now()` ms. */
  step(now: number): void {
    this.#predecessor?.step(now);
    this.#open();
    this.#successor.step();
  }

  /** Ends the talk with both: this thread ends. */
  close(): void {
    this.#predecessor?.close();
    this.#successor.close();
  }

  /** Who comes next is let in when all has come that is to come. */
  #open(): void {
    if (this.#isOpen || this.#predecessor?.isHere === true) return;
    this.#isOpen = true;
    this.#successor.open();
  }
}

/** Meets the process of `heritage`, and waits for the one that gets `estate`; `watchFor` has the acceptor hear of a side. */
export function openSuccession(
  parts: Omit<PredecessorParts & SuccessorParts, 'watch'>,
  watchFor: (side: Side) => Watch,
  estate: Estate,
  heritage: Heritage | undefined,
): Succession {
  const predecessor = heritage && new Predecessor({ ...parts, watch: watchFor(BEFORE) }, heritage);
  return new Succession(predecessor, new Successor({ ...parts, watch: watchFor(AFTER) }, estate));
}
