/** Used to move a connection at rest from one thread to another: the one move that Heddle is about. */
import { type ConnectionTable, NEW, type Ticket } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, EPOLLOUT } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';

export class Mover {
  readonly #sys: Sys;
  readonly #table: ConnectionTable;

  constructor(sys: Sys, table: ConnectionTable) {
    this.#sys = sys;
    this.#table = table;
  }

  /** Puts a client just admitted under `ticket` into the epoll set of `row`. Returns 0 or the errno. */
  place(fd: number, ticket: Ticket, row: ThreadRow): number {
    const result = this.#add(fd, ticket, row);
    if (result < 0) return result;
    row.addClients(1);
    this.#table.settle(fd, ticket);
    return 0;
  }

  /**
   * Moves the connection that rests under `ticket` on `from` to `to`. False: it was not at rest there any more.
   *
   * It is added to the new set while it is MOVING: its new thread drops an event that comes before it is settled, and
   * the event comes again, since sockets stay ready until they are read.
   */
  move(fd: number, ticket: Ticket, from: ThreadRow, to: ThreadRow): boolean {
    const moved = this.#table.startMove(fd, ticket, to.thread);
    if (moved === undefined) return false;
    this.#sys.epollControl(from.epollFd, EPOLL_CTL_DEL, fd, 0, 0, 0);
    this.#add(fd, moved, to);
    from.addClients(-1);
    to.addClients(1);
    this.#table.settle(fd, moved);
    return true;
  }

  /** A client that the service has yet to greet is reported as writable, which it is: its thread hears of it at once. */
  #add(fd: number, ticket: Ticket, row: ThreadRow): number {
    const mask = this.#table.flags(fd) & NEW ? EPOLLIN | EPOLLOUT : EPOLLIN;
    return this.#sys.epollControl(row.epollFd, EPOLL_CTL_ADD, fd, mask, fd, ticket);
  }
}
