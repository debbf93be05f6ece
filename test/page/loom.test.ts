import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/admin/view/frames.ts';
import { Loom } from '../../src/page/loom.ts';

type Places = Frame['places'];

function frame(time: number, places: Places, blocks: Frame['blocks'] = []): Frame {
  return { time, threads: [1, 2], places, blocks };
}

function loomOf(...frames: readonly Frame[]): Loom {
  const loom = new Loom();
  for (const each of frames) loom.add(each);
  return loom;
}

/** Clients, all on thread 1. */
const onOne = (...clients: number[]): Places => clients.map((client) => [client, 1]);

const ONE = { client: 1, thread: 1, slot: 0 };

describe('the cloth of threads and clients', () => {
  it('has one line for a client that stays, from when it came to when it was last seen', () => {
    const loom = loomOf(frame(0, []), frame(250, onOne(1)), frame(500, onOne(1)), frame(750, []));
    expect(loom.runs).toEqual([{ ...ONE, from: 250, to: 500 }]);
    expect(loom.clients).toBe(0);
  });

  it('follows a client to another thread', () => {
    const loom = loomOf(frame(0, onOne(1)), frame(250, [[1, 2]]));
    const from = { ...ONE, from: 0, to: 250, isLeft: true };
    const to = { ...ONE, thread: 2, from: 250, to: 250 };
    expect(loom.runs).toEqual([from, to]);
    expect(loom.moves).toEqual([{ at: 250, from, to }]);
  });

  it('keeps the place of a client while it stays, and gives a place that is free to the next', () => {
    const loom = loomOf(frame(0, onOne(1, 2, 3)), frame(1, onOne(1, 3)), frame(2, onOne(1, 3, 4, 5)));
    const slotOf = (client: number) => loom.runs.find((run) => run.client === client)?.slot;
    expect([1, 2, 3, 4, 5].map(slotOf)).toEqual([0, 1, 2, 1, 3]);
  });

  it('lets two clients change places', () => {
    const [before, after]: Places[] = [
      [
        [1, 1],
        [2, 2],
      ],
      [
        [1, 2],
        [2, 1],
      ],
    ];
    const loom = loomOf(frame(0, before as Places), frame(1, after as Places));
    expect(loom.moves.map(({ to: { client, slot, thread } }) => [client, thread, slot])).toEqual([
      [1, 2, 0],
      [2, 1, 0],
    ]);
  });

  it('has a block from when it began, and a new one when another begins on the same thread', () => {
    const loom = loomOf(
      frame(1000, [], [{ thread: 2, ms: 400, client: 7 }]),
      frame(1250, [], [{ thread: 2, ms: 650, client: 7 }]),
      frame(1500, [], [{ thread: 2, ms: 20, client: 8 }]),
    );
    expect(loom.blocks).toEqual([
      { thread: 2, from: 600, to: 1250, client: 7 },
      { thread: 2, from: 1480, to: 1500, client: 8 },
    ]);
  });

  it('has the waiting room last, while somebody was in it', () => {
    const loom = loomOf(frame(0, [[1, 0]]), frame(250, onOne(1)));
    expect(loom.threads).toEqual([1, 2, 0]);
    loom.forget(100);
    expect(loom.threads).toEqual([1, 2]);
  });

  it('forgets what was over, and keeps what goes on', () => {
    const loom = loomOf(frame(0, onOne(1, 2)), frame(250, onOne(2)), frame(9000, onOne(2)));
    loom.forget(5000);
    expect(loom.runs).toEqual([{ client: 2, thread: 1, slot: 1, from: 0, to: 9000 }]);
    expect(loom.moves).toEqual([]);
  });
});
