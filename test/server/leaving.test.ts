import { expect, it } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { ThreadBoard } from '../../src/sharing/thread-board.ts';
import { ConnectionTable } from '../../src/sharing/connection-table.ts';
import { Leaving } from '../../src/server/leaving.ts';
import { storingBefore } from '../../src/sys/without-kernel.ts';

/** A server with one client, which is moving: it has a slot, and no thread counts it. `looked` hears of each look at the table. */
function leavingServer({ shutdownTimeout = 60_000, looked = (_times: number): void => {} } = {}) {
  const board = ThreadBoard.create(1);
  const table = ConnectionTable.create(4);
  const generation = table.admit(1, 0, 1, new Uint8Array(16), 4711, 0);
  const said: string[] = [];
  const events: ServerEvent['type'][] = [];
  let looks = 0;
  let ending: Promise<void> | undefined;
  const leaving = new Leaving({
    settings: { drainDelay: 0, shutdownTimeout },
    table: {
      get isEmpty() {
        looked(++looks);
        return table.isEmpty;
      },
    },
    acceptor: { drain: async () => void said.push('acceptor drains') },
    pool: { drain: async () => void said.push('threads drain'), tellAll: (what) => void said.push(what) },
    doors: { close: () => void said.push('doors close'), openSoon: () => void said.push('doors open') },
    report: ({ type }) => void events.push(type),
    closed: new Promise(() => {}),
    ending: (): Promise<void> | undefined => ending,
    end: async (_grace, detail) => {
      said.push(detail ?? 'ends');
      ending = Promise.resolve();
      return ending;
    },
  });
  const leave = (): void => table.free(1, generation, { storeAndClose: storingBefore(() => 0) });
  return { board, leaving, leave, said, events };
}

it('ends once the last client has left, also while no thread counts that client', async () => {
  const atLook = new Map<number, () => void>();
  const { board, leaving, leave, said } = leavingServer({ looked: (times) => atLook.get(times)?.() });
  atLook.set(3, () => {
    expect([board.clients, said]).toEqual([0, ['acceptor drains', 'threads drain']]);
    leave();
  });
  await leaving.drain();
  expect(said).toEqual(['acceptor drains', 'threads drain', 'ends']);
});

it('cuts off who is left when its time is over', async () => {
  const { leaving, said } = leavingServer({ shutdownTimeout: 20 });
  await leaving.drain();
  expect(said.at(-1)).toBe('still open at shutdownTimeout');
});

it('goes on when its successor is lost, with the clients that were on their way there', async () => {
  const atLook = new Map<number, () => void>();
  const { leaving, said, events } = leavingServer({ looked: (times) => atLook.get(times)?.() });
  atLook.set(3, () => leaving.goOn(4711));
  const handedOver = leaving.handOver(4711);
  expect([leaving.isOn, leaving.successor]).toEqual([true, 4711]);
  await handedOver;
  expect(said).toEqual(['doors close', 'leave', 'stay', 'doors open']);
  expect(events).toEqual(['handing-over', 'hand-over-failed']);
  expect([leaving.isOn, leaving.successor]).toEqual([false, undefined]);
});

it('drains for half of its time when not all have gone to its successor in the other half', async () => {
  const { leaving, said } = leavingServer({ shutdownTimeout: 40 });
  await leaving.handOver(4711);
  expect(said).toEqual(['doors close', 'leave', 'acceptor drains', 'threads drain', 'still open at shutdownTimeout']);
});
