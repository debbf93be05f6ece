import { describe, expect, it } from 'vitest';
import type { Place } from '../../../src/admin/control/places.ts';
import type { Frame } from '../../../src/admin/view/frames.ts';
import { Loom } from '../../../src/admin/view/loom.ts';

type Places = readonly Place[];
/** `places`: those of all clients. */
type Moment = readonly [time: number, places: Places, blocks?: Frame['blocks']];

function add(loom: Loom, [time, places, blocks = []]: Moment): Loom {
  loom.add({ time, threads: [1, 2], ...loom.changes(places), blocks });
  return loom;
}

function loomOf(...moments: readonly Moment[]): Loom {
  const loom = new Loom();
  for (const moment of moments) add(loom, moment);
  return loom;
}

/** Clients, all on thread 1. */
const onOne = (...clients: number[]): Places => clients.map((client) => [client, 1]);

const ONE = { client: 1, thread: 1, slot: 0, isLeft: false };

describe('the cloth of threads and clients', () => {
  it('has one line for a client that stays, from when it came to when it was last seen', () => {
    const loom = loomOf([0, []], [250, onOne(1)], [500, onOne(1)]);
    expect(loom.runs).toEqual([{ ...ONE, from: 250, to: Infinity }]);
    add(loom, [750, []]);
    expect(loom.runs).toEqual([{ ...ONE, from: 250, to: 500 }]);
    expect(loom.clients).toBe(0);
  });

  it('follows a client to another thread', () => {
    const loom = loomOf([0, onOne(1)], [250, [[1, 2]]]);
    const from = { ...ONE, from: 0, to: 250, isLeft: true };
    const to = { ...ONE, thread: 2, from: 250, to: Infinity };
    expect(loom.runs).toEqual([from, to]);
    expect(loom.moves).toEqual([{ at: 250, from, to }]);
  });

  it('keeps the place of a client while it stays, and gives a place that is free to the next', () => {
    const loom = loomOf([0, onOne(1, 2, 3)], [1, onOne(1, 3)], [2, onOne(1, 3, 4, 5)]);
    const slotOf = (client: number) => loom.runs.find((run) => run.client === client)?.slot;
    expect([1, 2, 3, 4, 5].map(slotOf)).toEqual([0, 1, 2, 1, 3]);
  });

  it('lets two clients change places', () => {
    const before: Places = [
      [1, 1],
      [2, 2],
    ];
    const after: Places = [
      [1, 2],
      [2, 1],
    ];
    const loom = loomOf([0, before], [1, after]);
    expect(loom.moves.map(({ to: { client, slot, thread } }) => [client, thread, slot])).toEqual([
      [1, 2, 0],
      [2, 1, 0],
    ]);
  });

  it('has a block from when it began, and a new one when another begins on the same thread', () => {
    const loom = loomOf(
      [1000, [], [{ thread: 2, ms: 400, client: 7 }]],
      [1250, [], [{ thread: 2, ms: 650, client: 7 }]],
      [1500, [], [{ thread: 2, ms: 20, client: 8 }]],
      [1750, []],
    );
    expect(loom.blocks).toEqual([
      { thread: 2, from: 600, to: 1250, client: 7 },
      { thread: 2, from: 1480, to: 1500, client: 8 },
    ]);
  });

  it('has the threads of a time, and the waiting room last, if somebody was in it', () => {
    const loom = loomOf([0, [[1, 0]]], [250, onOne(1)]);
    expect(loom.threads(0, 250)).toEqual([1, 2, 0]);
    expect(loom.threads(100, 250)).toEqual([1, 2]);
    expect(loom.threads(300, 400)).toEqual([]);
  });

  it('forgets what was over, and keeps what goes on', () => {
    const loom = loomOf([0, onOne(1, 2)], [250, onOne(2)], [9000, onOne(2)]);
    loom.forget(5000);
    expect(loom.runs).toEqual([{ client: 2, thread: 1, slot: 1, from: 0, to: Infinity, isLeft: false }]);
    expect(loom.moves).toEqual([]);
  });

  it('has within two moments what a look at all of it finds, also after the oldest is forgotten', () => {
    const loom = new Loom();
    const clients = Array.from({ length: 12 }, (_, at) => at);
    for (let time = 1; time < 200; time++)
      add(loom, [time * 10, clients.filter((id) => (id * 7 + time) % 5 > 0).map((id) => [id, ((id * time) % 3) + 1])]);
    for (const oldest of [0, 700]) {
      loom.forget(oldest);
      expect(loom.runs.every(({ to }) => to >= oldest)).toBe(true);
      for (const [from, to] of [
        [0, 3000],
        [900, 1200],
        [1001, 1001],
        [1990, 2500],
        [2500, 3000],
      ] as const) {
        const found = loom.within(from, to);
        expect(found.runs).toEqual(loom.runs.filter((run) => run.from <= to && run.to >= from));
        expect(found.moves).toEqual(loom.moves.filter(({ at }) => at >= from && at <= to));
      }
    }
  });

  it('keeps some 20,000 runs of clients that come and go all the time', () => {
    const loom = new Loom();
    for (let time = 0; time < 200; time++) {
      add(loom, [time, Array.from({ length: 256 }, (_, at) => [time * 256 + at, 1])]);
    }
    expect(loom.runs.length).toBeGreaterThan(19_000);
    expect(loom.runs.length).toBeLessThan(21_000);
  });

  it('goes on elsewhere from what was written of it as JSON', () => {
    const block = { thread: 2, ms: 100, client: 2 };
    const loom = loomOf(
      [1, onOne(1, 2, 3)],
      [
        2,
        [
          [1, 1],
          [2, 2],
        ],
      ],
      [
        3,
        [
          [1, 1],
          [2, 2],
        ],
        [block],
      ],
    );
    const copy = Loom.from(JSON.parse(JSON.stringify(loom.state)));
    expect(copy.runs).toEqual(loom.runs);
    expect(copy.moves).toEqual(loom.moves);
    expect(copy.blocks).toEqual(loom.blocks);
    for (const each of [loom, copy])
      add(each, [
        4,
        [
          [1, 2],
          [4, 1],
        ],
        [{ ...block, ms: 101 }],
      ]);
    expect(copy.state).toEqual(loom.state);
  });
});
