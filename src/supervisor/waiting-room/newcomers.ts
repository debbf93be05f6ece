/** Tries out clients that were never served, while newcomers block threads: where nobody waits who is known to be light. */
import { NEWCOMER } from '../../sharing/client-kind.ts';
import type { ConnectionTable, Generation } from '../../sharing/connection-table.ts';
import { BUSY, MOVING, IDLE, stateOf, withState } from '../../sharing/control-word.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import type { Dispatcher } from '../dispatcher.ts';
import type { AddressCosts } from './costs.ts';
import { FairQueue, type Waiting } from './fair-queue.ts';
import type { Placement } from '../placement.ts';
import type { ThreadRegistry } from '../thread-registry.ts';
import type { ThreadWatch } from '../thread-watch.ts';
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
  readonly generation: Generation;
}

export interface NewcomersParts {
  readonly table: ConnectionTable;
  readonly registry: ThreadRegistry;
  readonly migrator: Dispatcher;
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
    if (this.queue.size > 0 && !this.#parts.registry.isCareful(now)) this.#letHarmless(now);
  }

  /** Threads are not careful any more: who comes from an address that is not blamed may be served anywhere. */
  #letHarmless(now: number): void {
    const { addresses, placement, registry, table } = this.#parts;
    const { accepting } = registry;
    const may = ({ address }: Waiting): boolean => accepting.length > 0 && !addresses.isBlamed(address, now);
    for (let next = this.#next(may); next !== undefined; next = this.#next(may))
      this.#move(next, placement(accepting, table.address(next.fd)));
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
      const generation = this.#move(next, watch.row);
      if (generation !== undefined) tried.push({ fd: next.fd, generation });
    }
    this.#trials.set(watch, tried);
  }

  #mayBeTried(now: number): (newcomer: Waiting) => boolean {
    const { addresses, registry, turns } = this.#parts;
    if (turns.computing(now, ENDLESS_MS) + this.#trials.size < 2 * registry.cpus + 1) return () => true;
    return ({ address }) => !addresses.isBlamed(address, now);
  }

  #isOver(watch: ThreadWatch, tried: readonly Tried[]): boolean {
    const { registry, table } = this.#parts;
    if (watch.isBlocked || registry.find(watch.row) !== watch) return true;
    return !tried.some(({ fd, generation }) => {
      const word = table.word(fd);
      const state = stateOf(word);
      const isThere = withState(word, IDLE) === generation && (state === IDLE || state === BUSY || state === MOVING);
      return isThere && table.kind(fd) === NEWCOMER;
    });
  }

  #end(watch: ThreadWatch): void {
    this.#trials.delete(watch);
    watch.isTrying = false;
    this.#parts.registry.changed();
  }

  #next(may: (newcomer: Waiting) => boolean): Waiting | undefined {
    return this.queue.next((address) => this.#parts.addresses.rank(address), may);
  }

  /** Moves the newcomer out of the room and returns its generation there; `undefined`: it has left by another way. */
  #move({ fd, generation }: Waiting, to: ThreadRow): Generation | undefined {
    const { migrator, room, table } = this.#parts;
    this.queue.delete(fd);
    const moved = table.nextGeneration(generation, to.thread);
    return table.word(fd) === generation && migrator.move(fd, generation, room, to, 'blocked') ? moved : undefined;
  }
}
