/** Finds which clients should change threads so that all threads have the same to do. */
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { BusyRatio } from './placement.ts';

/** Threads whose busy ratios differ by less than this are as even as it gets: a ratio is a sample of 100 ms. */
const BUSY_GAP = 0.25;
/** Below this, no thread has so much to do that a client would wait for it: then the numbers of clients are evened out. */
const BUSY = 0.5;
/** The most that a thread's number of clients may be above the mean. */
const UNEVEN = 1.1;

/** Moves `count` clients. */
export interface Shift {
  readonly from: ThreadRow;
  readonly to: ThreadRow;
  readonly count: number;
  /** Else by work. */
  readonly isByNumber: boolean;
}

/**
 * Finds what to move between `rows` now; `undefined`: they are even. By work where there is work, by number where there
 * is little: never both, or one would undo the other.
 */
export function findShift(rows: readonly ThreadRow[], busy: BusyRatio): Shift | undefined {
  if (rows.length < 2) return undefined;
  const byBusy = [...rows].sort((a, b) => busy(a) - busy(b));
  const [idlest, busiest] = [byBusy[0] as ThreadRow, byBusy.at(-1) as ThreadRow];
  const gap = busy(busiest) - busy(idlest);
  if (busy(busiest) > BUSY && gap > BUSY_GAP) return byWork(busiest, idlest, gap / busy(busiest));
  return busy(busiest) > BUSY ? undefined : byNumber(rows);
}

/** A thread with one client, however busy, has nothing to give away. */
function byWork(from: ThreadRow, to: ThreadRow, gap: number): Shift | undefined {
  const count = Math.floor((from.clients * gap) / 2);
  return count > 0 ? { from, to, count, isByNumber: false } : undefined;
}

function byNumber(rows: readonly ThreadRow[]): Shift | undefined {
  const byClients = [...rows].sort((a, b) => a.clients - b.clients);
  const [fewest, most] = [byClients[0] as ThreadRow, byClients.at(-1) as ThreadRow];
  const mean = rows.reduce((sum, row) => sum + row.clients, 0) / rows.length;
  if (most.clients <= Math.max(mean * UNEVEN, mean + 1)) return undefined;
  if (most.clients - fewest.clients < 2) return undefined;
  const count = Math.floor(Math.min(most.clients - mean, mean - fewest.clients));
  return { from: most, to: fewest, count: Math.max(1, count), isByNumber: true };
}
