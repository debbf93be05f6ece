/** Says which events epoll watches a client's socket for. */
import { type SavedBytes, NEW, PROXIED, WORK_LEFT } from '../sharing/connection-table.ts';
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from '../sys/constants.ts';

/** At every client. */
const CHANGES = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET;

/** Events of a client that sends nothing more, or is gone. */
export const GOING_EVENTS = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** What epoll watches for an idle connection. Used by the migrator as well, which cannot ask the thread that left it. */
export function idleInterest(flags: number, outbox: SavedBytes | undefined): number {
  return interestFor(outbox !== undefined || (flags & WORK_LEFT) !== 0 || (flags & (NEW | PROXIED)) === NEW);
}

/** `writes`: something waits to be sent, for which there must be room. */
export function interestFor(writes: boolean): number {
  return writes ? CHANGES | EPOLLOUT : CHANGES;
}
