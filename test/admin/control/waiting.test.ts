import { describe, expect, it } from 'vitest';
import { ClientList } from '../../../src/admin/control/client-list.ts';
import type { Controlled } from '../../../src/admin/control/controlled.ts';
import { placesOf } from '../../../src/admin/control/places.ts';
import { longestWaiting } from '../../../src/admin/control/waiting.ts';
import type { BlockedThread } from '../../../src/admin/observed.ts';
import { mapped } from '../../../src/ip-address.ts';
import { sharedTenths, sharedTime } from '../../../src/sharing/clock.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../../src/sharing/thread-board.ts';

/** `clients` clients with the ids from 1, by turns on two threads. */
function make(clients: number, blocks: readonly BlockedThread[] = []) {
  const table = ConnectionTable.create(clients + 10);
  const board = ThreadBoard.create(2);
  const list = new ClientList({ table, board, speaksTls: false });
  for (let fd = 0; fd < clients; fd++) {
    table.settle(fd, table.admit(fd, fd % 2, fd + 1, mapped([10, 0, 0, 1]), 1000 + fd, 0));
    board.row(fd % 2).addClients(1);
  }
  const controlled = { memory: { table, board }, clients: list, blocked: () => blocks } as unknown as Controlled;
  return { table, board, controlled };
}

const BLOCK: BlockedThread = {
  thread: 2,
  ms: 700,
  moved: 0,
  code: 'f a.ts:1',
  client: { id: 2, address: '10.0.0.1', port: 1001 },
};

describe('the clients that wait longest', () => {
  it('are those that a server waits for, and those on a blocked thread, with what they wait for', async () => {
    const { controlled, table } = make(4, [BLOCK]);
    const now = sharedTime(performance.now());
    table.setMessageStartedAt(0, now - 5000);
    table.setWriteStalledAt(2, now - 60_000);
    const waiting = await longestWaiting(controlled, 10);
    expect(waiting.map(({ id, waitMs, why }) => [id, why, Math.round(waitMs / 100)])).toEqual([
      [3, 'unread', 600],
      [1, 'incomplete', 50],
      [2, 'own', 7],
      [4, 'behind', 7],
    ]);
    expect(waiting[2]).toMatchObject({ code: 'f a.ts:1', address: '10.0.0.1', thread: 2 });
    expect((await longestWaiting(controlled, 1)).map(({ id }) => id)).toEqual([3]);
  });

  it('have no client that has waited for a moment only', async () => {
    const { controlled, table } = make(2);
    table.setMessageStartedAt(0, sharedTime(performance.now()));
    expect(await longestWaiting(controlled, 10)).toEqual([]);
  });

  it('have a client that waits for a free thread since its last thread looked', async () => {
    const { board, controlled, table } = make(1);
    const moved = table.startMove(0, table.word(0), board.waitingRoom.thread) as number;
    table.settle(0, moved);
    const now = sharedTenths(performance.now());
    table.setArrivedFrom(0, now - 3000, now);
    const [client] = await longestWaiting(controlled, 10);
    expect(client).toMatchObject({ id: 1, thread: 0, why: 'thread' });
    expect(client?.waitMs).toBeGreaterThanOrEqual(300);
  });

  it('are found among many, in slices', async () => {
    const { controlled, table } = make(10_000);
    table.setMessageStartedAt(9_999, sharedTime(performance.now()) - 2000);
    expect((await longestWaiting(controlled, 5)).map(({ id }) => id)).toEqual([10_000]);
  });
});

describe('the places of clients', () => {
  it('are all of them if they are few', () => {
    const { controlled } = make(3);
    const places = [
      [1, 1],
      [2, 2],
      [3, 1],
    ];
    expect(placesOf(controlled, 3)).toEqual(places);
  });

  it('are as many as were asked for, the same ones each time, and always those that block', () => {
    const { controlled, table } = make(2000, [BLOCK]);
    const before = placesOf(controlled, 50);
    expect(before).toHaveLength(50);
    expect(before).toContainEqual([2, 2]);
    for (let fd = 1; fd < 2000; fd += 2) {
      const moved = table.startMove(fd, table.word(fd), 0) as number;
      table.settle(fd, moved);
    }
    expect(placesOf(controlled, 50)).toEqual(before.map(([id]) => [id, 1]));
  });
});
