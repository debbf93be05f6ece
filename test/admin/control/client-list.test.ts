import { describe, expect, it } from 'vitest';
import { ClientList, type Found } from '../../../src/admin/control/client-list.ts';
import { mapped } from '../../../src/ip-address.ts';
import { sharedTime } from '../../../src/sharing/clock.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../../src/sharing/thread-board.ts';
import { withoutKernel } from '../../../src/sys/without-kernel.ts';

const CLIENTS = 2000;

function make(clients: number) {
  const table = ConnectionTable.create(clients + 10);
  const board = ThreadBoard.create(2);
  const list = new ClientList({ table, board, speaksTls: false });
  for (let fd = 0; fd < clients; fd++)
    table.settle(fd, table.admit(fd, fd % 2, fd + 1, mapped([10, 0, 0, 1]), 1000 + fd, 0));
  return { table, board, list };
}

describe('the list of clients', () => {
  it('has what the slot says', () => {
    const { board, list, table } = make(1);
    const now = sharedTime(performance.now());
    table.setConnectedAt(0, now - 5000);
    table.setLastActivity(0, now - 100);
    table.setMessageStartedAt(0, now - 90);
    table.setWriteStalledAt(0, now - 80);
    table.setKept(0, 33, 0);
    const moved = table.startMove(0, table.word(0), 1) as number;
    table.settle(0, moved);
    const about = { id: 1, address: '10.0.0.1', port: 1000, thread: 2, kept: 33, moves: 1, cost: 'newcomer' };
    const times = {
      ageMs: expect.toSatisfy((age: number) => age >= 5000 && age < 6000),
      idleMs: 100,
      messageMs: 90,
      stalledMs: 80,
    };
    expect(list.at(0, now)).toEqual({ ...about, ...times, state: 'idle' });
    table.take(0, moved);
    expect(list.at(0, now)?.state).toBe('busy');
    table.pin(0, moved);
    expect(list.at(0, now)).toMatchObject({ state: 'pinned', pinned: 'handler' });
    board.row(1).pins = true;
    expect(list.at(0, now)).toMatchObject({ pinned: 'session' });
    table.free(0, moved, withoutKernel);
    expect(list.at(0, now)).toBeUndefined();
    expect(list.find(1)).toBeUndefined();
  });

  it('counts the time of a client that has been there for a month, and of one that has just come', () => {
    const { list, table } = make(1);
    const month = 30 * 86_400_000;
    const now = sharedTime(performance.now());
    table.setConnectedAt(0, (now - month) | 0);
    table.setLastActivity(0, (now + 3) | 0); // By the clock of a thread, read after `now`.
    expect(list.at(0, now)).toMatchObject({
      ageMs: expect.toSatisfy((age: number) => age >= month && age < month + 1000),
      idleMs: 0,
    });
  });

  it('leaves out a client that another one took the slot of while it was read', () => {
    const { list, table } = make(1);
    const { port } = table;
    // The client leaves, and another comes, between two fields.
    table.port = (fd) => {
      table.free(fd, table.word(fd), withoutKernel);
      table.admit(fd, 0, 2, mapped([10, 0, 0, 2]), 2000, 0);
      table.port = port;
      return 1000;
    };
    expect(list.at(0)).toBeUndefined();
  });

  it('is read in slices, between which main does other things', async () => {
    const { list } = make(CLIENTS);
    const slices: (readonly Found[])[] = [];
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    for await (const slice of list.all()) slices.push(slice);
    isDone = true;
    expect(slices.flat().map(({ client }) => client.id)).toEqual(Array.from({ length: CLIENTS }, (_, at) => at + 1));
    expect(Math.max(...slices.map(({ length }) => length))).toBeLessThanOrEqual(512);
    expect(turns).toBeGreaterThanOrEqual(slices.length - 1);
  });
});
