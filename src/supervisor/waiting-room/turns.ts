/** Gives expensive clients their turns: one message of one client, on a thread where nobody else waits for it. */
import type { ConnectionTable, Generation } from '../../sharing/connection-table.ts';
import { BUSY, MOVING, IDLE, stateOf, withState } from '../../sharing/control-word.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import type { Dispatcher } from '../dispatcher.ts';
import type { AddressCosts, ClientCosts } from './costs.ts';
import { FairQueue, type Waiting } from './fair-queue.ts';
import type { Placement } from '../placement.ts';
import type { ThreadRegistry } from '../thread-registry.ts';
import { costOf, type ThreadWatch } from '../thread-watch.ts';

/*
 * CPUs + 1 threads that compute keep all CPUs busy; more would only make everybody slower. Two kinds of clients need not
 * wait for one of those: whose messages are brief on average, for as many threads more as there are CPUs, and whose thread
 * waits for something else than the CPU, for any spare thread.
 */

/** A client that waits for its turn. */
export interface Expensive extends Waiting {
  /** Its messages wait for something else than the CPU. */
  readonly waits: boolean;
}

interface Turn {
  readonly fd: number;
  readonly id: number;
  readonly address: string;
  /** The client's on the thread of `watch`. */
  readonly generation: Generation;
  readonly watch: ThreadWatch;
  readonly since: number;
  /** The thread's CPU clock then. */
  readonly cpu: number;
}

export interface TurnsParts {
  readonly table: ConnectionTable;
  readonly registry: ThreadRegistry;
  readonly migrator: Dispatcher;
  readonly placement: Placement;
  readonly clients: ClientCosts;
  readonly addresses: AddressCosts;
  readonly room: ThreadRow;
  /** Has the clients of a thread go elsewhere, for one that others would wait for. */
  readonly clear: (watch: ThreadWatch, now: number) => void;
}

export class Turns {
  readonly queue = new FairQueue<Expensive>();
  readonly #parts: TurnsParts;
  readonly #turns = new Map<number, Turn>();

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#turns.size === 0 && this.queue.size === 0;
  }

  /** Takes note that the client of `fd` is in the room under `generation`: a turn that it had is over. */
  cameBack(fd: number, generation: Generation, now: number): void {
    const turn = this.#turns.get(fd);
    if (turn !== undefined && turn.generation !== generation) this.#end(turn, now);
  }

  /** Ends turns that are over. To be called when all threads have been looked at. */
  look(now: number): void {
    for (const turn of this.#turns.values()) {
      if (this.#isOver(turn)) this.#end(turn, now);
      else if (turn.watch.isBlocked) turn.watch.isWaiting(now);
    }
  }

  /**
   * How many threads compute for clients that others would wait for, or are about to. `most`: without those that have been blocked for
   * so many ms.
   */
  computing(now: number, most = Infinity): number {
    const { watches } = this.#parts.registry;
    const counts = (watch: ThreadWatch): boolean => watch.servesExpensive || watch.isBlocked;
    return watches.filter((watch) => counts(watch) && watch.blockedFor(now) < most && !watch.isWaiting(now)).length;
  }

  /** Who is next; `undefined`: nobody, or too many compute already. */
  next(now: number): Expensive | undefined {
    const { addresses, clients, registry } = this.#parts;
    if (this.queue.size === 0) return undefined;
    const computing = this.computing(now);
    const most = registry.cpus + 1;
    return this.queue.next(
      (address) => addresses.rank(address),
      ({ fd, waits }) => waits || computing < most || (computing < most + registry.cpus && clients.isBrief(fd)),
    );
  }

  /** Gives a thread to `next`. */
  give(next: Expensive, watch: ThreadWatch, now: number): void {
    const { clear, clients, placement, registry, table } = this.#parts;
    const { address, fd } = next;
    if (clients.forgive(fd, now) && registry.accepting.length > 0) {
      this.#move(next, placement(registry.accepting, table.address(fd)));
      return;
    }
    watch.servesExpensive = true;
    clear(watch, now);
    watch.quarantine(now);
    watch.beginTurn();
    const turn = { fd, id: table.id(fd), address, watch, since: now, cpu: watch.cpuTime() };
    const generation = this.#move(next, watch.row);
    if (generation === undefined) return this.#release(watch);
    this.#turns.set(fd, { ...turn, generation });
    if (table.writeStalledAt(fd) !== 0) watch.lookForLate(now); // Without room to send, no event may come there.
  }

  /** Moves the client out of the room and returns its generation there; `undefined`: it has left the room by another way. */
  #move({ fd, generation }: Expensive, to: ThreadRow): Generation | undefined {
    const { migrator, room, table } = this.#parts;
    this.queue.delete(fd);
    const moved = table.nextGeneration(generation, to.thread);
    return table.word(fd) === generation && migrator.move(fd, generation, room, to, 'blocked') ? moved : undefined;
  }

  /** It is over when the client is no longer that thread's, or the thread keeps something for it, or is gone. */
  #isOver({ fd, generation, watch }: Turn): boolean {
    const word = this.#parts.table.word(fd);
    if (withState(word, IDLE) !== generation || this.#parts.registry.find(watch.row) !== watch) return true;
    const state = stateOf(word);
    return state !== IDLE && state !== BUSY && state !== MOVING;
  }

  #end({ address, cpu, fd, id, since, watch }: Turn, now: number): void {
    const { addresses, clients, table } = this.#parts;
    const block = watch.cost(since, cpu, now);
    const cost = costOf(block);
    this.#turns.delete(fd);
    this.#release(watch);
    addresses.charge(address, cost, now);
    if (table.hasId(fd, id)) clients.charge(fd, cost, block.waited, now);
  }

  #release(watch: ThreadWatch): void {
    watch.servesExpensive = false;
    this.#parts.registry.changed();
  }
}
