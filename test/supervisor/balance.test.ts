import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findShift } from '../../src/supervisor/balance.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';

function rowsWith(clients: readonly number[]): readonly ThreadRow[] {
  const { rows } = ThreadBoard.create(clients.length);
  rows.forEach((row, index) => row.addClients(clients[index] as number));
  return rows;
}

/** Moves as it is told until nothing is to be moved; gives the moves, which must come to an end. */
function settle(rows: readonly ThreadRow[], busy: (row: ThreadRow) => number, most = 200): string[] {
  const moves: string[] = [];
  for (let shift = findShift(rows, busy); shift !== undefined; shift = findShift(rows, busy)) {
    const { from, to, count } = shift;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(from.clients);
    from.addClients(-count);
    to.addClients(count);
    moves.push(`${from.thread}>${to.thread}`);
    if (moves.length > most) throw new Error(`it never ends: ${moves.slice(-10).join(' ')}`);
  }
  return moves;
}

const anyClients = fc.array(fc.nat({ max: 2000 }), { minLength: 1, maxLength: 12 });

describe('findShift where there is little to do', () => {
  it('ends with numbers of clients that differ little, whatever they were', () => {
    fc.assert(
      fc.property(anyClients, (clients) => {
        const rows = rowsWith(clients);
        settle(rows, () => 0);
        const counts = rows.map((row) => row.clients);
        const total = clients.reduce((sum, count) => sum + count, 0);
        const mean = total / clients.length;
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
        // A whole client cannot be divided, and moving less than one on each side would not help.
        expect(Math.max(...counts)).toBeLessThanOrEqual(Math.max(1.1 * mean, mean + 1) + 1);
      }),
    );
  });

  it('never takes from a thread that it gave to', () => {
    fc.assert(
      fc.property(anyClients, (clients) => {
        const moves = settle(rowsWith(clients), () => 0).map((move) => move.split('>'));
        const givers = new Set(moves.map(([from]) => from));
        expect(moves.filter(([, to]) => givers.has(to))).toEqual([]);
      }),
    );
  });

  it('leaves alone what is even enough', () => {
    expect(findShift(rowsWith([10, 11, 10]), () => 0)).toBeUndefined();
    expect(findShift(rowsWith([100, 105, 95]), () => 0.3)).toBeUndefined();
    expect(findShift(rowsWith([1, 0]), () => 0)).toBeUndefined();
    expect(findShift(rowsWith([7]), () => 1)).toBeUndefined();
    expect(findShift([], () => 0)).toBeUndefined();
  });

  it('moves from the fullest to the emptiest, not past the mean', () => {
    const rows = rowsWith([30, 0, 12]);
    expect(findShift(rows, () => 0)).toEqual({ from: rows[0], to: rows[1], count: 14, isByNumber: true });
  });
});

describe('findShift where there is work', () => {
  it('comes to an end, and never makes the busiest thread busier, when clients cost alike', () => {
    const cost = fc.double({ min: 0.001, max: 0.05, noNaN: true });
    fc.assert(
      fc.property(anyClients, cost, (clients, each) => {
        const rows = rowsWith(clients);
        const busy = (row: ThreadRow) => Math.min(1, row.clients * each);
        const before = Math.max(...rows.map((row) => row.clients));
        settle(rows, busy);
        expect(Math.max(...rows.map((row) => row.clients))).toBeLessThanOrEqual(before);
      }),
    );
  });

  it('evens out the work of threads that were far apart', () => {
    const rows = rowsWith([80, 10, 10]);
    const busy = (row: ThreadRow) => Math.min(1, row.clients / 100);
    settle(rows, busy);
    const ratios = rows.map(busy);
    expect(Math.max(...ratios) - Math.min(...ratios)).toBeLessThanOrEqual(0.25);
  });

  it('goes by work and not by number: one busy client is left with its thread', () => {
    const rows = rowsWith([1, 40]);
    expect(findShift(rows, (row) => (row.thread === 0 ? 1 : 0.1))).toBeUndefined();
  });

  it('does not move for a difference that may be chance', () => {
    const rows = rowsWith([10, 10]);
    expect(findShift(rows, (row) => (row.thread === 0 ? 0.9 : 0.7))).toBeUndefined();
  });
});
