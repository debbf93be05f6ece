import { describe, expect, it, vi } from 'vitest';
import { placesOf, PlaceWatch } from '../../../src/admin/control/places.ts';
import type { BlockedThread } from '../../../src/admin/observed.ts';
import { mapped } from '../../../src/ip-address.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../../src/sharing/thread-board.ts';
import { withoutKernel } from '../../../src/sys/without-kernel.ts';

/** A server of two threads and a waiting room. */
class Server {
  readonly table = ConnectionTable.create(100);
  readonly board = ThreadBoard.create(2);

  come(fd: number, thread: number, id: number): void {
    this.table.settle(fd, this.table.admit(fd, thread, id, mapped([10, 0, 0, 1]), 1000, 0));
    this.board.row(thread).addClients(1);
  }

  move(fd: number, thread: number): void {
    this.table.settle(fd, this.table.startMove(fd, this.table.word(fd), thread) as number);
  }

  leave(fd: number, thread: number): void {
    this.table.free(fd, this.table.word(fd), withoutKernel);
    this.board.row(thread).addClients(-1);
  }
}

function serverWith(clients: number): Server {
  const server = new Server();
  for (let fd = 0; fd < clients; fd++) server.come(fd, fd % 2, fd + 1);
  return server;
}

const blockedBy = (id: number): BlockedThread => ({
  thread: 1,
  ms: 100,
  moved: 0,
  client: { id, address: '10.0.0.1', port: 1000 },
});

describe('the places of clients', () => {
  it('are told as they change', () => {
    const server = serverWith(3);
    const watch = new PlaceWatch(server, 10);
    expect(watch.all([])).toEqual({
      moved: [
        [1, 1],
        [2, 2],
        [3, 1],
      ],
      left: [],
    });
    expect(watch.known([])).toEqual({ moved: [], left: [] });
    server.move(0, 1);
    server.leave(2, 0);
    expect(watch.known([])).toEqual({ moved: [[1, 2]], left: [3] });
    expect(watch.known([])).toEqual({ moved: [], left: [] });
    expect(watch.all([])).toEqual({ moved: [], left: [] });
  });

  it('have a client that comes as soon as there are more, and one that takes the place of another at the next look at all', () => {
    const server = serverWith(2);
    const watch = new PlaceWatch(server, 10);
    watch.all([]);
    server.come(2, 0, 3);
    expect(watch.known([])).toEqual({ moved: [[3, 1]], left: [] });
    server.leave(2, 0);
    server.come(2, 1, 4); // In the same slot.
    expect(watch.known([])).toEqual({ moved: [], left: [3] });
    expect(watch.all([])).toEqual({ moved: [[4, 2]], left: [] });
  });

  it('have the same clients of many each time, which alone are read, and at once one that blocks a thread', () => {
    const server = serverWith(60);
    const shown = placesOf({ memory: server, blocked: () => [] }, 10).map(([id]) => id);
    expect(shown).toHaveLength(10);
    const watch = new PlaceWatch(server, 10);
    expect(watch.all([]).moved.map(([id]) => id)).toEqual(shown);
    const reads = vi.spyOn(server.table, 'word');
    expect(watch.known([])).toEqual({ moved: [], left: [] });
    expect(reads).toHaveBeenCalledTimes(10);
    const other = Array.from({ length: 60 }, (_, fd) => fd + 1).find((id) => !shown.includes(id)) as number;
    const { left, moved } = watch.known([blockedBy(other)]);
    expect(moved).toEqual([[other, ((other - 1) % 2) + 1]]);
    expect(left).toHaveLength(1);
    expect(watch.known([blockedBy(other)])).toEqual({ moved: [], left: [] });
  });

  it('are of no client if none is asked for', () => {
    const watch = new PlaceWatch(serverWith(3), 0);
    expect(watch.all([])).toEqual({ moved: [], left: [] });
    expect(watch.known([blockedBy(1)])).toEqual({ moved: [], left: [] });
  });
});
