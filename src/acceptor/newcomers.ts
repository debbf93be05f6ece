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
 * once than expensive clients with brief messages do.
 */

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
  /** A newcomer may be tried, and there is no thread for it. */
  #isShort = false;
  readonly #trials = new Map<ThreadWatch, readonly Tried[]>();

  constructor(parts: NewcomersParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.queue.size === 0 && this.#trials.size === 0;
  }

  /** Has those tried that can be. To be called when all threads have been looked at. True: somebody waits for a thread. */
  look(now: number): boolean {
    const { roster } = this.#parts;
    for (const [watch, tried] of this.#trials) if (this.#isOver(watch, tried)) this.#end(watch);
    this.#isShort = false;
    if (!roster.isCareful(now)) this.#letHarmless(now);
    while (this.queue.size > 0 && this.#tryNext(now));
    return this.#isShort;
  }

  /** Threads are not careful any more: who comes from an address that is not blamed may be served anywhere. */
  #letHarmless(now: number): void {
    const { addresses, placement, roster, table } = this.#parts;
    const { takers } = roster;
    const may = ({ address }: Waiting): boolean => takers.length > 0 && !addresses.isBlamed(address, now);
    for (let next = this.#next(may); next !== undefined; next = this.#next(may))
      this.#move(next, placement(takers, table.address(next.fd)));
  }

  /** Has one batch tried; false: there is nobody, or no thread for that. */
  #tryNext(now: number): boolean {
    const { addresses, clear, roster, turns } = this.#parts;
    const mayCompute = turns.computing(now) + this.#trials.size < 2 * roster.cpus + 1;
    const may = ({ address }: Waiting): boolean => mayCompute || !addresses.isBlamed(address, now);
    if (this.#next(may) === undefined) return false;
    const watch = roster.forTurn(now);
    this.#isShort = watch === undefined;
    if (watch === undefined) return false;
    watch.isTrying = true;
    clear(watch, now);
    const tried: Tried[] = [];
    for (let next = this.#next(may); next !== undefined && tried.length < BATCH; next = this.#next(may)) {
      const ticket = this.#move(next, watch.row);
      if (ticket !== undefined) tried.push({ fd: next.fd, ticket });
    }
    this.#trials.set(watch, tried);
    return true;
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
