import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placementFor } from '../../src/supervisor/placement.ts';
import { ThreadBoard, type ThreadRow } from '../../src/sharing/thread-board.ts';

const ADDRESS = new Uint8Array(16);
const idle = () => 0;

type Name = Parameters<typeof placementFor>[0];

/** Places `burst` clients and gives how many each thread has then. */
function placed(name: Name, rows: readonly ThreadRow[], burst: number, busy: (row: ThreadRow) => number = idle) {
  const placement = placementFor(name, busy);
  for (let client = 0; client < burst; client++) placement(rows, ADDRESS).addClients(1);
  return rows.map((row) => row.clients);
}

const spread = (counts: readonly number[]) => Math.max(...counts) - Math.min(...counts);
const threads = fc.integer({ min: 1, max: 16 });
const burst = fc.integer({ min: 0, max: 300 });

describe('least-busy', () => {
  it('spreads a burst evenly over idle threads', () => {
    fc.assert(
      fc.property(threads, burst, (count, clients) => {
        expect(spread(placed('least-busy', ThreadBoard.create(count).rows, clients))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('spreads a burst evenly over those that are idle when others are busy', () => {
    const ratios = fc.array(fc.constantFrom(0, 0, 0.5, 0.9, 1), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(ratios, burst, (busy, clients) => {
        fc.pre(busy.includes(0));
        const { rows } = ThreadBoard.create(busy.length);
        const counts = placed('least-busy', rows, clients, (row) => busy[row.thread] as number);
        const onIdle = counts.filter((_, thread) => busy[thread] === 0);
        expect(spread(onIdle)).toBeLessThanOrEqual(1);
        const onBusy = counts.filter((_, thread) => busy[thread] !== 0);
        expect(Math.max(0, ...onBusy)).toBeLessThanOrEqual(Math.min(...onIdle) + 1);
      }),
    );
  });

  it('places a client on the least busy of threads that have the same number', () => {
    const ratio = fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100);
    fc.assert(
      fc.property(fc.array(ratio, { minLength: 1, maxLength: 8 }), (busy) => {
        const { rows } = ThreadBoard.create(busy.length);
        const row = placementFor('least-busy', ({ thread }) => busy[thread] as number)(rows, ADDRESS);
        expect(busy[row.thread]).toBe(Math.min(...busy));
      }),
    );
  });

  it('prefers a thread with many quiet clients to one with a single busy client', () => {
    const { rows } = ThreadBoard.create(2);
    (rows[0] as ThreadRow).addClients(1);
    (rows[1] as ThreadRow).addClients(3);
    const row = placementFor('least-busy', ({ thread }) => (thread === 0 ? 0.9 : 0.01))(rows, ADDRESS);
    expect(row.thread).toBe(1);
  });
});

describe('least-clients', () => {
  it('evens out whatever the threads have', () => {
    const counts = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(counts, (before) => {
        const { rows } = ThreadBoard.create(before.length);
        rows.forEach((row, thread) => row.addClients(before[thread] as number));
        expect(spread(placed('least-clients', rows, 20 * before.length, () => 1))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('round-robin', () => {
  it('takes the threads in turn, whatever they have', () => {
    fc.assert(
      fc.property(threads, (count) => {
        const { rows } = ThreadBoard.create(count);
        (rows[0] as ThreadRow).addClients(1000);
        const placement = placementFor('round-robin', () => 1);
        const turns = Array.from({ length: 3 * count }, () => placement(rows, ADDRESS).thread);
        expect(turns).toEqual(Array.from({ length: 3 * count }, (_, turn) => turn % count));
      }),
    );
  });

  it('goes on when a thread has gone', () => {
    const { rows } = ThreadBoard.create(3);
    const placement = placementFor('round-robin', idle);
    placement(rows, ADDRESS);
    placement(rows, ADDRESS);
    placement(rows, ADDRESS);
    const left = rows.slice(0, 2);
    expect(new Set([placement(left, ADDRESS), placement(left, ADDRESS)])).toEqual(new Set(left));
  });
});

describe('source-hash', () => {
  const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const placement = placementFor('source-hash', idle);

  it('gives an address the same thread each time', () => {
    const { rows } = ThreadBoard.create(7);
    fc.assert(
      fc.property(address, (bytes) => {
        const first = placement(rows, bytes);
        first.addClients(100);
        expect(placement([...rows].reverse(), bytes.slice())).toBe(first);
      }),
    );
  });

  it('keeps the thread of an address when another thread goes', () => {
    const { rows } = ThreadBoard.create(7);
    fc.assert(
      fc.property(address, fc.nat({ max: 6 }), (bytes, gone) => {
        const before = placement(rows, bytes);
        fc.pre(before.thread !== gone);
        expect(
          placement(
            rows.filter(({ thread }) => thread !== gone),
            bytes,
          ),
        ).toBe(before);
      }),
    );
  });

  it('spreads neighbouring addresses over all threads', () => {
    const { rows } = ThreadBoard.create(4);
    for (let last = 0; last < 250; last++) {
      const bytes = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last]);
      placement(rows, bytes).addClients(1);
    }
    expect(Math.max(...rows.map((row) => row.clients))).toBeLessThan(1.5 * (250 / 4));
    expect(Math.min(...rows.map((row) => row.clients))).toBeGreaterThan(0.5 * (250 / 4));
  });
});
