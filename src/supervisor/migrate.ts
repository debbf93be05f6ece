/** Moves idle connections from one thread to another: the one move that Heddle is about. */
import type { Closer } from '../connection/end/close.ts';
import { idleInterest } from '../connection/interest.ts';
import { sharedTenths } from '../sharing/clock.ts';
import type { AcceptorCounters, MoveCause } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import { IDLE, stateOf } from '../sharing/control-word.ts';
import { PARKED, type ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLOUT } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';
import type { Choose, Dispatcher } from './dispatcher.ts';
import { Evacuations } from './evacuation.ts';

export class Migrator implements Dispatcher {
  readonly moves = true;
  readonly #sys: Sys;
  readonly #table: ConnectionTable;
  readonly #counters: AcceptorCounters;
  readonly #closer: Closer;
  readonly #evacuations: Evacuations;
  readonly #board: ThreadBoard;
  announces = false;

  constructor(sys: Sys, table: ConnectionTable, counters: AcceptorCounters, closer: Closer, board: ThreadBoard) {
    this.#sys = sys;
    this.#table = table;
    this.#counters = counters;
    this.#closer = closer;
    this.#evacuations = new Evacuations(sys, table, this);
    this.#board = board;
  }

  /** Puts a client just admitted under `generation` into the epoll set of `row`. */
  place(fd: number, generation: Generation, row: ThreadRow): void {
    this.#add(fd, generation, row);
  }

  /**
   * What has arrived until now is reported again in the new set, whatever the old thread was told: to add an fd that is
   * ready is an event.
   */
  move(fd: number, generation: Generation, from: ThreadRow, to: ThreadRow, cause: MoveCause): boolean {
    const moved = this.#takeOut(fd, generation, from, to.thread);
    if (moved === undefined) return false;
    to.clientCame();
    this.#noteArrival(fd, from);
    this.#add(fd, moved, to);
    this.#counters.countMove(cause);
    return true;
  }

  moveSome(from: ThreadRow, cause: MoveCause, choose: Choose, until: number, most = Infinity): number {
    let moved = 0;
    this.#table.walk(from.thread, 0, (fd, word) => {
      const to = stateOf(word) === IDLE ? choose(fd) : undefined;
      if (to !== undefined && to !== from && this.move(fd, word, from, to, cause)) moved++;
      return moved < most && performance.now() < until;
    });
    return moved;
  }

  evacuate(from: ThreadRow, cause: MoveCause, choose: Choose, until: number): boolean {
    return this.#evacuations.step(from, cause, choose, until);
  }

  /**
   * Takes the connection that is idle under `generation` on `from` out of its thread's hands, to leave this process: it is
   * MOVING until `reattach` or the end of its slot. False: it was not idle there any more.
   */
  detach(fd: number, generation: Generation, from: ThreadRow): boolean {
    return this.#takeOut(fd, generation, from, from.thread) !== undefined;
  }

  /** Puts a connection that did not leave after all on `row`, idle. */
  reattach(fd: number, row: ThreadRow): void {
    row.clientCame();
    this.place(fd, this.#table.turnBack(fd, row.thread), row);
  }

  #takeOut(fd: number, generation: Generation, from: ThreadRow, thread: number): Generation | undefined {
    const moved = this.#table.startMove(fd, generation, thread);
    if (moved === undefined) return undefined;
    this.#sys.epollControl(from.epollFd, EPOLL_CTL_DEL, fd, 0, 0, 0);
    // A client that was given back to the waiting room unreadClients is still counted with its giver.
    const giver = this.#table.takeGiver(fd);
    (giver < 0 ? from : this.#board.row(giver)).clientMoved();
    return moved;
  }

  /** Notes since when the client, which is MOVING, may have waited: its next thread cannot know. The room has noted it. */
  #noteArrival(fd: number, from: ThreadRow): void {
    const inRoom = this.#table.arrivedFrom(fd);
    const blocked = from.blockedSince === 0 ? 0 : from.state === PARKED ? from.rungFrom : from.floor;
    const arrivedFrom = from === this.#board.waitingRoom ? inRoom : blocked;
    this.#table.setArrivedFrom(fd, arrivedFrom, arrivedFrom === 0 ? 0 : sharedTenths(performance.now()));
  }

  /** A client that the kernel has no room to watch (epoll_ctl(2): ENOMEM, ENOSPC) would never be heard of again. */
  #add(fd: number, generation: Generation, row: ThreadRow): void {
    const interest = idleInterest(this.#table.flags(fd), this.#table.outbox(fd));
    const mask = this.announces ? interest | EPOLLOUT : interest;
    const result = this.#sys.epollControl(row.epollFd, EPOLL_CTL_ADD, fd, mask, fd, generation);
    if (result < 0) this.#closer.close(fd, generation, row, 'over-limit');
    else this.#table.settle(fd, generation);
  }
}
