/** Used to choose the thread of a new client. */
import type { ThreadRow } from '../sharing/thread-board.ts';

/** Chooses one of `rows`, which are never none. */
export type Placement = (rows: readonly ThreadRow[]) => ThreadRow;

/** Tells how busy thread `row` was lately: its CPU time divided by the time, 0 to 1. */
export type BusyRatio = (row: ThreadRow) => number;

/** What a client is taken to cost, as a share of a thread, where nothing is known: enough to spread a burst evenly. */
const LEAST_COST = 0.001;

export function placementFor(name: 'least-busy' | 'least-clients' | 'round-robin', busy: BusyRatio): Placement {
  if (name === 'round-robin') return roundRobin();
  return name === 'least-clients' ? (rows) => lowest(rows, (row) => row.clients) : leastBusy(busy);
}

function roundRobin(): Placement {
  let turn = 0;
  return (rows) => rows[turn++ % rows.length] as ThreadRow;
}

/**
 * Busy ratios are only as new as their last sample, so the clients that a thread has got count as well, each with what
 * a client costs on average: a burst of connections does not all go to the thread that was idle a moment ago.
 */
function leastBusy(busy: BusyRatio): Placement {
  return (rows) => {
    let clients = 0;
    let load = 0;
    for (const row of rows) {
      clients += row.clients;
      load += busy(row);
    }
    const cost = Math.max(LEAST_COST, clients > 0 ? load / clients : 0);
    return lowest(rows, (row) => Math.max(busy(row), row.clients * cost));
  };
}

function lowest(rows: readonly ThreadRow[], score: (row: ThreadRow) => number): ThreadRow {
  let best = rows[0] as ThreadRow;
  let bestScore = score(best);
  for (const row of rows) {
    const itsScore = score(row);
    if (itsScore < bestScore) {
      best = row;
      bestScore = itsScore;
    }
  }
  return best;
}
