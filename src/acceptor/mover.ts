/** Used to move connections at rest from one thread to another: the one move that Heddle is about. */
import type { Closer } from '../connection/closer.ts';
import { interestAtRest } from '../connection/connection.ts';
import type { AcceptorCounters, MoveCause } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable, Ticket } from '../sharing/connection-table.ts';
import { REST, stateOf, withState } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLOUT } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';
import type { Carrier } from './carrier.ts';

export class Mover implements Carrier {
  readonly moves = true;
  readonly #sys: Sys;
  readonly #table: ConnectionTable;
  readonly #counters: AcceptorCounters;
  readonly #closer: Closer;
  announces = false;

  constructor(sys: Sys, table: ConnectionTable, counters: AcceptorCounters, closer: Closer) {
    this.#sys = sys;
    this.#table = table;
    this.#counters = counters;
    this.#closer = closer;
  }

  /** Puts a client just admitted under `ticket` into the epoll set of `row`. */
  place(fd: number, ticket: Ticket, row: ThreadRow): void {
    row.addClients(1);
    this.#add(fd, ticket, row);
  }

  /**
   * It is added to the new set while it is MOVING: its new thread drops an event that comes before it is settled, and
   * the event comes again, since sockets stay ready until they are read.
   */
  move(fd: number, ticket: Ticket, from: ThreadRow, to: ThreadRow, cause: MoveCause): boolean {
    const moved = this.#table.startMove(fd, ticket, to.thread);
    if (moved === undefined) return false;
    this.#sys.epollControl(from.epollFd, EPOLL_CTL_DEL, fd, 0, 0, 0);
    from.addClients(-1);
    to.addClients(1);
    this.#add(fd, moved, to);
    this.#counters.countMove(cause);
    return true;
  }

  moveAll(from: ThreadRow, cause: MoveCause, choose: (fd: number) => ThreadRow | undefined, most = Infinity): number {
    let moved = 0;
    this.#table.forEach(from.thread, (fd, word) => {
      if (moved >= most || stateOf(word) !== REST) return;
      const to = choose(fd);
      if (to !== undefined && to !== from && this.move(fd, withState(word, REST), from, to, cause)) moved++;
    });
    return moved;
  }

  /** A client that the kernel has no room to watch (epoll_ctl(2): ENOMEM, ENOSPC) would never be heard of again. */
  #add(fd: number, ticket: Ticket, row: ThreadRow): void {
    const interest = interestAtRest(this.#table.flags(fd), this.#table.outbox(fd));
    const mask = this.announces ? interest | EPOLLOUT : interest;
    const result = this.#sys.epollControl(row.epollFd, EPOLL_CTL_ADD, fd, mask, fd, ticket);
    if (result < 0) this.#closer.close(fd, ticket, row, 'over-limit');
    else this.#table.settle(fd, ticket);
  }
}
