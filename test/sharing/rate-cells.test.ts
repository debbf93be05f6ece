import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/ip-address.ts';
import { type CellRate, RateCells } from '../../src/sharing/rate/rate-cells.ts';
import { runWorker } from '../support/test-worker.ts';

const bytesOf = (address: string): Uint8Array => parseAddress(address) as Uint8Array;
const DAY_MS = 86_400_000;
/** How exactly times are known, in intervals. */
const PART = 1 / 1024;

function makeCells(rate: CellRate, cells = 16, seed = 7): RateCells {
  return new RateCells(RateCells.create(cells, seed), rate);
}

/** A bucket of tokens that is filled as time passes: what the cells count, the plain way. */
class Bucket {
  readonly #rate: CellRate;
  #tokens: number;
  #at = 0;

  constructor(rate: CellRate) {
    this.#rate = rate;
    this.#tokens = rate.burst;
  }

  /** After how many intervals there is a token at `now`. */
  lacks(now: number): number {
    const { burst, interval } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#at) / interval);
    this.#at = now;
    return Math.max(0, 1 - this.#tokens);
  }

  take(): void {
    this.#tokens--;
  }
}

describe('messages that are counted against a rate', () => {
  it('are admitted when a bucket of tokens has one', () => {
    const rates = fc.record({
      interval: fc.constantFrom(0.001, 0.5, 7, 10, 60_000),
      burst: fc.integer({ min: 1, max: 50 }),
    });
    const pauses = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 20 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(rates, pauses, (rate, steps) => {
        const cells = makeCells(rate);
        const bucket = new Bucket(rate);
        const cell = cells.own(3, 1);
        let now = 0;
        for (const [pause, messages] of steps) {
          now += (pause / 100) * rate.interval;
          for (let count = 0; count < messages; count++) {
            const lacks = bucket.lacks(now);
            const tooSoon = cells.take(cell, now) / rate.interval;
            // Times are known to a part of an interval, and to a thousandth of a millisecond; they add up.
            expect(Math.abs(tooSoon - lacks)).toBeLessThan(4 * PART + 0.01 / rate.interval);
            if (tooSoon === 0) bucket.take();
          }
        }
      }),
    );
  });

  it.each([0.001, 10, 3_600_000])('start anew after a pause, however long, at one each %d ms', (interval) => {
    const burst = 3;
    for (const pause of [0, 2 ** 22 * interval, 30 * DAY_MS, 49 * DAY_MS].filter((ms) => ms < 49.5 * DAY_MS)) {
      const cells = makeCells({ interval, burst });
      const cell = cells.own(0, 1);
      for (const now of [5, 5 + Math.max(pause, burst * interval + 2)])
        expect([1, 2, 3].map(() => cells.take(cell, now))).toEqual([0, 0, 0]);
    }
  });

  it('of a new client in the same place start anew', () => {
    const cells = makeCells({ interval: 3_600_000, burst: 1 });
    const take = (id: number): number => cells.take(cells.own(5, cells.keyOfClient(id)), 0);
    expect([take(1), take(1) > 0, take(2), take(2) > 0, take(2 ** 32 + 2)]).toEqual([0, true, 0, true, 0]);
  });

  it('of threads that count at once are as many as may be', async () => {
    const [buffer, ready] = [RateCells.create(16, 1), new Int32Array(new SharedArrayBuffer(4))];
    const body = `
      const { RateCells } = await load('sharing/rate/rate-cells.ts');
      const cells = new RateCells(data.buffer, { interval: 3_600_000, burst: 300_000 });
      if (Atomics.add(data.ready, 0, 1) === 0) Atomics.wait(data.ready, 0, 1);
      else Atomics.notify(data.ready, 0);
      let count = 0;
      for (let message = 0; message < 200_000; message++) if (cells.take(cells.find(9, 0), 0) === 0) count++;
      post(count);`;
    const counts = await Promise.all([1, 2].map(() => runWorker<number>(body, { buffer, ready })));
    expect(counts.reduce((sum, count) => sum + count)).toBe(300_000);
  });
});

describe('addresses that are counted against a rate', () => {
  it('have a cell each, and all of a /64 of IPv6 have one', () => {
    const cells = makeCells({ interval: 1000, burst: 1 }, 64);
    const keyOf = (address: string): number => cells.keyOfAddress(bytesOf(address));
    expect(keyOf('2001:db8::1')).toBe(keyOf('2001:db8::ffff:1'));
    const others = ['2001:db8::1', '2001:db8:0:1::1', '192.0.2.1', '192.0.2.2', '::c000:201'];
    const found = others.map((address) => cells.find(keyOf(address), 0));
    expect(new Set(found).size).toBe(others.length);
    expect(others.map((address) => cells.find(keyOf(address), 0))).toEqual(found);
  });

  it('are hashed with a seed', () => {
    const key = (seed: number): number =>
      makeCells({ interval: 1, burst: 1 }, 16, seed).keyOfAddress(bytesOf('192.0.2.1'));
    expect(key(1)).not.toBe(key(2));
  });

  it('beyond what there is room for share a cell, and get one when another needs it no longer', () => {
    const cells = makeCells({ interval: 1000, burst: 2 }, 8);
    const take = (key: number, now: number): number => cells.take(cells.find(key, now), now);
    for (let key = 1; key <= 8; key++) expect([take(key, 0), take(key, 0)]).toEqual([0, 0]);
    expect(take(9, 0)).toBe(1000); // It shares the cell that key 1 has.
    for (let key = 1; key <= 8; key++) expect(take(key, 0)).toBe(1000);
    expect([take(9, 2500), take(9, 2500), take(9, 2500) > 0]).toEqual([0, 0, true]);
    expect(take(2, 2500)).toBe(0);
  });
});
