/** Tries out clients that were never served, while newcomers block threads: where nobody waits who is known to be light. */
import { NEWCOMER } from '../sharing/client-kind.ts';
import type { ConnectionTable, Ticket } from '../sharing/connection-table.ts';
import { BUSY, MOVING, REST, stateOf, withState } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Carrier } from './carrier.ts';
import type { AddressCosts } from './costs.ts';
import { FairQueue, type Waiting } from './fair-queue.ts';
import type { Placement } from './placement.ts';
import type { Roster } from './roster.ts';
import type { ThreadWatch } from './thread-watch.ts';
import type { Turns } from './turns.ts';

/*
 * What a newcomer costs is known only when it has been served, and it may block its thread meanwhile. So while the threads
 * are careful, newcomers that have sent something are tried on spare threads, several at once; those that are behind one
 * that blocks come back to the room, and are tried again. Who comes from an address that has cost least is first.
 *
 * From an address whose clients have been expensive, newcomers are taken to be the same: they get no more threads at
 * once than expensive clients with brief messages do. A thread that has been blocked for a second may never come back: it does not
 * count for that, or endless loops would keep everybody else of their address out for good.
 */

const ENDLESS_MS = 1000;

/** So many are tried at once on one thread. The acceptor looks every 2 ms: some 16,000 a second. */
const BATCH = 32;

/** A newcomer on the thread that it is tried on. */
interface Tried {
  readonly fd: number;
  readonly ticket: Ticket;
}

export interface NewcomersParts {
  readonly table: ConnectionTable;
  readonly roster: Roster;
  readonly mover: Carrier;
  readonly placement: Placement;
  readonly addresses: AddressCosts;
  readonly turns: Turns;
  readonly room: ThreadRow;
  /** Has the clients of a thread go elsewhere, for some that others would wait for. */
  readonly clear: (watch: ThreadWatch, now: number) => void;
}

export class Newcomers {
  readonly queue = new FairQueue<Waiting>();
  readonly #parts: NewcomersParts;
  readonly #trials = new Map<ThreadWatch, readonly Tried[]>();

  constructor(parts: NewcomersParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.queue.size === 0 && this.#trials.size === 0;
  }

  /** Ends trials that are over, and lets everybody go who need not be tried. To be called when all threads have been looked at. */
  look(now: number): void {
    for (const [watch, tried] of this.#trials) if (this.#isOver(watch, tried)) this.#end(watch);
    if (this.queue.size > 0 && !this.#parts.roster.isCareful(now)) this.#letHarmless(now);
  }

  /** Threads are not careful any more: who comes from an address that is not blamed may be served anywhere. */
  #letHarmless(now: number): void {
    const { addresses, placement, roster, table } = this.#parts;
    const { takers } = roster;
    const may = ({ address }: Waiting): boolean => takers.length > 0 && !addresses.isBlamed(address, now);
    for (let next = this.#next(may); next !== undefined; next = this.#next(may))
      this.#move(next, placement(takers, table.address(next.fd)));
  }

  /** Who is next; `undefined`: nobody, or too many compute already. */
  next(now: number): Waiting | undefined {
    return this.queue.size === 0 ? undefined : this.#next(this.#mayBeTried(now));
  }

  /** Has a batch tried on the thread of `watch`. */
  try(watch: ThreadWatch, now: number): void {
    const may = this.#mayBeTried(now);
    watch.isTrying = true;
    this.#parts.clear(watch, now);
    const tried: Tried[] = [];
    for (let next = this.#next(may); next !== undefined && tried.length < BATCH; next = this.#next(may)) {
      const ticket = this.#move(next, watch.row);
      if (ticket !== undefined) tried.push({ fd: next.fd, ticket });
    }
    this.#trials.set(watch, tried);
  }

  #mayBeTried(now: number): (newcomer: Waiting) => boolean {
    const { addresses, roster, turns } = this.#parts;
    if (turns.computing(now, ENDLESS_MS) + this.#trials.size < 2 * roster.cpus + 1) return () => true;
    return ({ address }) => !addresses.isBlamed(address, now);
  }

  #isOver(watch: ThreadWatch, tried: readonly Tried[]): boolean {
    const { roster, table } = this.#parts;
    if (watch.isHeld || roster.find(watch.row) !== watch) return true;
    return !tried.some(({ fd, ticket }) => {
      const word = table.word(fd);
      const state = stateOf(word);
      const isThere = withState(word, REST) === ticket && (state === REST || state === BUSY || state === MOVING);
      return isThere && table.kind(fd) === NEWCOMER;
    });
  }

  #end(watch: ThreadWatch): void {
    this.#trials.delete(watch);
    watch.isTrying = false;
    this.#parts.roster.changed();
  }

  #next(may: (newcomer: Waiting) => boolean): Waiting | undefined {
    return this.queue.next((address) => this.#parts.addresses.rank(address), may);
  }

  /** Moves the newcomer out of the room and returns its ticket there; `undefined`: it has left by another way. */
  #move({ fd, ticket }: Waiting, to: ThreadRow): Ticket | undefined {
    const { mover, room, table } = this.#parts;
    this.queue.delete(fd);
    const moved = table.nextTicket(ticket, to.thread);
    return table.word(fd) === ticket && mover.move(fd, ticket, room, to, 'held') ? moved : undefined;
  }
}
