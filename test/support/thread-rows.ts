/** Service threads that are played by the test: a row of the board and an epoll set, but nobody who serves it. */
import { Poller } from '../../src/reactor/poller.ts';
import { PARKED, type ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';
import { owned, sys } from './loopback.ts';

export interface SeenEvent {
  readonly fd: number;
  readonly generation: number;
  readonly mask: number;
}

/** Gives `row` an epoll set, as a thread does that starts; it is parked, so nothing is expected of it. */
export function startRow(row: ThreadRow): ThreadRow {
  row.epollFd = owned(sys.epollCreate());
  row.state = PARKED;
  return row;
}

export function startRows(board: ThreadBoard): readonly ThreadRow[] {
  return board.rows.map(startRow);
}

/** What the epoll set of `row` reports now. */
export function eventsOf(row: ThreadRow): SeenEvent[] {
  const poller = new Poller(sys, row.epollFd, 64);
  const count = poller.wait(0);
  const { events } = poller;
  return Array.from({ length: count }, (_, index) => ({
    fd: events.low(index),
    generation: events.high(index),
    mask: events.mask(index),
  }));
}
