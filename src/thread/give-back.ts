/** Gives a client whose turn is over back to the waiting room: the one move that a service thread makes itself. */
import { idleInterest } from '../connection/interest.ts';
import type { ConnectionTable, Generation } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLOUT } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';

export interface GiveBackParts {
  readonly sys: Pick<Sys, 'epollControl'>;
  readonly table: ConnectionTable;
  /** This thread's. */
  readonly row: ThreadRow;
  readonly room: ThreadRow;
}

/**
 * Makes the client of `fd`, whose slot this thread has under `generation`, idle in the waiting room. The order is that of
 * `docs/internals/protocol.md`: the next generation is claimed, then the epoll set changes, then the client is idle. From the moment
 * when it is in the room's set, the acceptor may take it: nothing of it is touched after that.
 *
 * Where the kernel has no room to watch it there, it becomes idle on its own thread. False: nor there.
 */
export function giveBack({ sys, table, row, room }: GiveBackParts, fd: number, generation: Generation): boolean {
  const interest = idleInterest(table.flags(fd), table.outbox(fd));
  row.beat(-1); // First: the acceptor is to find this thread free when it hears of the client.
  const given = table.startGiveBack(fd, generation, room.thread);
  sys.epollControl(row.epollFd, EPOLL_CTL_DEL, fd, 0, 0, 0);
  // There nearly always is room to send, which is an event at once: so the acceptor hears that the client has come.
  if (sys.epollControl(room.epollFd, EPOLL_CTL_ADD, fd, interest | EPOLLOUT, fd, given) >= 0) {
    table.endGiveBack(fd, row.thread, given);
    return true;
  }
  const kept = table.cancelGiveBack(fd, row.thread, given);
  if (sys.epollControl(row.epollFd, EPOLL_CTL_ADD, fd, interest, fd, kept) < 0) return false;
  table.idle(fd, kept);
  return true;
}
