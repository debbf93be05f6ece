/** Chooses the thread of a client. */
import type { Placement as PlacementName } from '../options/serve-options.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';

/** Chooses one of `rows`, which are never none, for a client from `address` (16 bytes). */
export type Placement = (rows: readonly ThreadRow[], address: Uint8Array) => ThreadRow;

/** Tells how busy the thread of `row` was lately: its CPU time divided by the time, 0 to 1. */
export type BusyRatio = (row: ThreadRow) => number;

/** What a client is taken to cost, as a share of a thread, where nothing is known: enough to spread a burst evenly. */
const LEAST_COST = 0.001;

export function placementFor(name: PlacementName, busy: BusyRatio): Placement {
  if (name === 'round-robin') return roundRobin();
  if (name === 'source-hash') return sourceHash;
  return name === 'least-clients' ? (rows) => lowest(rows, (row) => row.clients) : leastBusy(busy);
}

function roundRobin(): Placement {
  let turn = 0;
  return (rows) => rows[turn++ % rows.length] as ThreadRow;
}

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1996): the row with the highest hash of address and row. A thread that
 * comes or goes moves only the addresses that are its own.
 */
function sourceHash(rows: readonly ThreadRow[], address: Uint8Array): ThreadRow {
  return lowest(rows, (row) => hash(address, row.thread));
}

/** FNV-1a, 32 bits, with the finisher of MurmurHash3: FNV alone mixes the last bytes badly. */
function hash(address: Uint8Array, seed: number): number {
  let value = Math.imul(0x811c9dc5 ^ seed, 0x01000193);
  for (const byte of address) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
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
