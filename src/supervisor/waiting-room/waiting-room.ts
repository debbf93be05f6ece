/** Keeps clients that must not be served just anywhere: expensive ones between their turns, and newcomers in careful times. */
import type { Poller } from '../../reactor/poller.ts';
import { isExpensive, LIGHT, BLOCKING } from '../../sharing/client-kind.ts';
import { sharedTenths } from '../../sharing/clock.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { type ConnectionTable, NEW, type Generation, WORK_LEFT } from '../../sharing/connection-table.ts';
import { stateOf, IDLE, threadOf } from '../../sharing/control-word.ts';
import type { ThreadBoard, ThreadRow } from '../../sharing/thread-board.ts';
import { EPOLLERR, EPOLLHUP, EPOLLOUT } from '../../sys/constants.ts';
import type { Dispatcher } from '../dispatcher.ts';
import { AddressCosts, addressKey, ClientCosts, rankOf } from './costs.ts';
import type { Waiting } from './fair-queue.ts';
import { Newcomers } from './newcomers.ts';
import type { Placement } from '../placement.ts';
import type { ThreadRegistry } from '../thread-registry.ts';
import { costOf, type ThreadWatch } from '../thread-watch.ts';
import { type Expensive, Turns } from './turns.ts';

/*
 * The room is a row of the board that no thread has: a client that is idle "on" it is idle in the acceptor's own epoll set.
 * It comes there by a move, or from its thread, which gives it back when it has served one message (`thread/give-back.ts`). It
 * leaves by a move. Nobody but the acceptor takes a client out of the room.
 *
 * A client that a thread has given back is counted with that thread until the acceptor has heard of it, so that the sum of
 * all counts is never too small.
 */

/** How long clients of a thread are moved away before somebody has a turn there; who is left moves when it is blocked. */
const CLEAR_MS = 2;

export interface WaitingRoomParts {
  /** The epoll set of the room. */
  readonly poller: Poller;
  readonly board: ThreadBoard;
  readonly table: ConnectionTable;
  readonly registry: ThreadRegistry;
  readonly migrator: Dispatcher;
  readonly placement: Placement;
}

export class WaitingRoom {
  readonly row: ThreadRow;
  readonly #parts: WaitingRoomParts;
  readonly #clients: ClientCosts;
  readonly #addresses: AddressCosts;
  readonly #turns: Turns;
  readonly #newcomers: Newcomers;
  /** Where newcomers and expensive clients have the same right, newcomers were first the last time. */
  #wasNewcomer = false;

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts;
    this.row = parts.board.waitingRoom;
    this.#clients = new ClientCosts(parts.table);
    this.#addresses = new AddressCosts(parts.table);
    const clear = (watch: ThreadWatch, now: number): void => this.#clear(watch, now);
    const common = { ...parts, clients: this.#clients, addresses: this.#addresses, room: this.row, clear };
    this.#turns = new Turns(common);
    this.#newcomers = new Newcomers({ ...common, turns: this.#turns });
    this.row.epollFd = parts.poller.fd;
  }

  /** Whether threads have to be looked at often: nothing tells when newcomers have been served. */
  get isTrying(): boolean {
    return !this.#newcomers.isEmpty;
  }

  /** Whether newcomers wait for a spare thread. */
  get hasNewcomers(): boolean {
    return this.#newcomers.queue.size > 0;
  }

  /** Takes the events of the room. */
  takeEvents(now: number): void {
    const { poller } = this.#parts;
    const { events } = poller;
    let count: number;
    do {
      count = poller.wait(0);
      for (let index = 0; index < count; index++)
        this.#event(events.low(index), events.high(index), events.mask(index), now);
    } while (count === events.capacity);
  }

  /** Hands out threads. To be called when all threads have been looked at. */
  look(now: number): void {
    const { registry } = this.#parts;
    this.#turns.look(now);
    this.#newcomers.look(now);
    for (;;) {
      const [newcomer, expensive] = [this.#newcomers.next(now), this.#turns.next(now)];
      if (newcomer === undefined && expensive === undefined) return registry.enough();
      const watch = registry.forTurn(now);
      if (watch === undefined) return;
      if (expensive !== undefined && !this.#isFirst(newcomer, expensive)) this.#turns.give(expensive, watch, now);
      else this.#newcomers.try(watch, now);
    }
  }

  /** Whether newcomers are tried next: of two addresses, it is the one that has cost less; in one address, it is in turns. */
  #isFirst(newcomer: Waiting | undefined, expensive: Expensive): boolean {
    if (newcomer === undefined) return false;
    const [one, other] = [this.#addresses.rank(newcomer.address), this.#addresses.rank(expensive.address)];
    if (newcomer.address !== expensive.address && one !== other) return one < other;
    this.#wasNewcomer = !this.#wasNewcomer;
    return this.#wasNewcomer;
  }

  /** Charges the client of `fd` for the block of its thread that has just ended; it is expensive if that makes it so. */
  charge(fd: number, watch: ThreadWatch, now: number): void {
    const { lastBlock } = watch;
    this.#chargeAddress(fd, watch, costOf(lastBlock), now);
    watch.charged = 0;
    this.#clients.charge(fd, costOf(lastBlock), lastBlock.waited, now);
  }

  /**
   * The client of `fd` still blocks its thread: it is expensive once it has cost enough, so that its thread gives it back.
   * Its address is charged meanwhile, since more of the kind may come from there.
   */
  foresee(fd: number, watch: ThreadWatch, now: number): void {
    watch.isWaiting(now);
    const { table } = this.#parts;
    const block = watch.costSoFar(now);
    this.#chargeAddress(fd, watch, costOf(block), now);
    if (!isExpensive(table.kind(fd))) this.#clients.foresee(fd, block, now);
  }

  /** Whether a newcomer from `address`, 16 bytes, is to come here. */
  isForNewcomer(address: Uint8Array, now: number): boolean {
    return this.#parts.registry.isCareful(now) || this.#addresses.isBlamed(addressKey(address), now);
  }

  /** Whether a client that is idle on a blocked thread is to come here. */
  isFor(fd: number, now: number): boolean {
    const kind = this.#parts.table.kind(fd);
    return isExpensive(kind) || (kind !== LIGHT && this.isForNewcomer(this.#parts.table.address(fd), now));
  }

  /**
   * Has a client that is to be closed for `reason` closed by a thread, so that its service hears of it. One that waits for a
   * thread has let no deadline pass: it is our turn. Returns the thread.
   */
  sendExpired(fd: number, generation: Generation, reason: CloseReason): ThreadRow | undefined {
    if (this.#isQueued(fd) && reason !== 'over-limit' && reason !== 'kicked') return undefined;
    return this.#sendAway(fd, generation);
  }

  /**
   * Has a client go on that has work left and for which the kernel said that there is little room to send: it may take more all the
   * same, and only that tells whether the client reads.
   */
  goOn(fd: number, generation: Generation, now: number): void {
    const { table } = this.#parts;
    const waits = (table.flags(fd) & WORK_LEFT) !== 0 && table.outbox(fd) === undefined && !this.#isQueued(fd);
    if (!waits || !table.isGivenBack(fd, generation)) return;
    this.#count(fd);
    this.#turns.cameBack(fd, generation, now);
    this.#queue(fd, generation, now);
  }

  /** Moves all to threads, the same number to each: the server is to leave, and everybody is answered once more. */
  empty(): void {
    const { migrator, registry, table } = this.#parts;
    this.#turns.queue.clear();
    this.#newcomers.queue.clear();
    table.forEach(this.row.thread, (fd, word) => {
      const to = registry.serving.reduce<ThreadRow | undefined>(fewer, undefined);
      if (stateOf(word) === IDLE && to !== undefined) migrator.move(fd, word, this.row, to, 'blocked');
    });
  }

  /** Takes over the counts of those that `row`, whose thread retires or is gone, has given back and nothing was heard of. */
  collect(row: ThreadRow, now: number): void {
    const { table } = this.#parts;
    this.takeEvents(now);
    table.forEach(this.row.thread, (fd, word) => {
      if (stateOf(word) === IDLE && table.giver(fd) === row.thread) this.#count(fd);
    });
  }

  #isQueued(fd: number): boolean {
    return this.#turns.queue.has(fd) || this.#newcomers.queue.has(fd);
  }

  #event(fd: number, generation: Generation, mask: number, now: number): void {
    const { table } = this.#parts;
    if (!table.isGivenBack(fd, generation)) return;
    this.#count(fd);
    this.#turns.cameBack(fd, generation, now);
    if (mask & (EPOLLHUP | EPOLLERR) && this.#sendAway(fd, generation) !== undefined) return;
    if (!this.#hasWork(fd, mask)) return table.forgetArrival(fd);
    if (mask & EPOLLOUT && table.outbox(fd) === undefined) table.setWriteStalledAt(fd, 0);
    this.#queue(fd, generation, now);
  }

  /** Has the client wait for a thread. */
  #queue(fd: number, generation: Generation, now: number): void {
    const { table } = this.#parts;
    if (table.arrivedFrom(fd) === 0) table.setArrivedFrom(fd, sharedTenths(now), 0);
    const address = this.#addresses.keyOf(fd);
    const waiting = { fd, generation, address, rank: rankOf(this.#clients.of(fd, now), now) };
    const kind = table.kind(fd);
    if (!isExpensive(kind)) return this.#newcomers.queue.add(waiting);
    this.#turns.queue.add({ ...waiting, waits: kind === BLOCKING });
  }

  /** Whether a thread can do anything for the client. One that does not read its replies is not read from either. */
  #hasWork(fd: number, mask: number): boolean {
    const { table } = this.#parts;
    if (table.outbox(fd) !== undefined) return (mask & EPOLLOUT) !== 0;
    return (mask & ~EPOLLOUT) !== 0 || (table.flags(fd) & (NEW | WORK_LEFT)) !== 0;
  }

  /** Charges the address of the client what the block has cost beyond what it was charged for already. */
  #chargeAddress(fd: number, watch: ThreadWatch, cost: number, now: number): void {
    if (cost <= watch.charged) return;
    this.#addresses.charge(this.#addresses.keyOf(fd), cost - watch.charged, now);
    watch.charged = cost;
  }

  #count(fd: number): void {
    const { board, table } = this.#parts;
    const giver = table.takeGiver(fd);
    if (giver < 0) return;
    this.row.clientCame();
    board.row(giver).clientMoved();
  }

  /** Moves a client that is to be closed, or costs nothing to serve now, to a thread that takes clients. */
  #sendAway(fd: number, generation: Generation): ThreadRow | undefined {
    const { migrator, placement, registry, table } = this.#parts;
    const rows = registry.any;
    if (rows.length === 0 || threadOf(generation) !== this.row.thread) return undefined;
    const to = placement(rows, table.address(fd));
    this.#turns.queue.delete(fd);
    this.#newcomers.queue.delete(fd);
    return migrator.move(fd, generation, this.row, to, 'blocked') ? to : undefined;
  }

  /** Keeps a thread for one client, or for newcomers: those that are idle there go elsewhere. */
  #clear(watch: ThreadWatch, now: number): void {
    const { migrator, placement, registry, table } = this.#parts;
    registry.changed();
    watch.clearedAt = now;
    const { accepting } = registry;
    if (watch.row.clients === 0 || accepting.length === 0) return;
    const elsewhere = (fd: number): ThreadRow =>
      this.isFor(fd, now) ? this.row : placement(accepting, table.address(fd));
    migrator.moveSome(watch.row, 'blocked', elsewhere, now + CLEAR_MS);
  }
}

function fewer(one: ThreadRow | undefined, other: ThreadRow): ThreadRow {
  return one === undefined || other.clients < one.clients ? other : one;
}
