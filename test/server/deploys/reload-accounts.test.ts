import { describe, expect, it, vi } from 'vitest';
import { deployText } from '../../../src/log/deploy-text.ts';
import type { Deploy } from '../../../src/log/event.ts';
import { ReloadAccounts } from '../../../src/server/deploys/reload-accounts.ts';
import { ThreadBoard, type ThreadRow } from '../../../src/sharing/thread-board.ts';

function accounts() {
  const board = ThreadBoard.create(3);
  const done: Deploy[] = [];
  const came = (row: ThreadRow, count: number): void => {
    for (let client = 0; client < count; client++) row.clientCame();
  };
  const its = new ReloadAccounts(board, (deploy) => void done.push(deploy));
  return { board, came, done, its, row: (thread: number) => board.row(thread) };
}

describe('the account of a reload', () => {
  it('is closed with the last old thread; it counts who was there, and who came a moment later', () => {
    const { came, done, its, row } = accounts();
    came(row(0), 10);
    row(0).clientMoved();
    row(0).countClose('client-finished');
    came(row(1), 4);
    its.begin([0, 1], performance.now());
    came(row(0), 1);
    for (let client = 0; client < 6; client++) row(0).clientMoved();
    row(0).countClose('idle-timeout');
    row(0).countEndElsewhere('handler-timeout');
    row(0).countEndElsewhere('shutdown');
    its.ended(0);
    expect(done).toEqual([]);
    for (let client = 0; client < 3; client++) row(1).clientMoved();
    row(1).countClose('shutdown');
    its.ended(1);
    expect(done).toMatchObject([{ threads: 2, clients: 13, moved: 9, stayed: 2, dropped: 2 }]);
  });

  it('has two reloads at once, and does not know of threads that end for other reasons', () => {
    const { came, done, its, row } = accounts();
    came(row(0), 2);
    came(row(1), 3);
    its.begin([0], performance.now());
    its.begin([1], performance.now());
    its.ended(2);
    for (let client = 0; client < 3; client++) row(1).clientMoved();
    its.ended(1);
    for (let client = 0; client < 2; client++) row(0).countClose('client-reset');
    its.ended(0);
    expect(done).toMatchObject([
      { clients: 3, moved: 3, stayed: 0 },
      { clients: 2, moved: 0, stayed: 2 },
    ]);
  });

  it('does not count who goes from one old thread to another before the acceptor has heard', () => {
    const { came, done, its, row } = accounts();
    came(row(0), 4);
    came(row(1), 2);
    its.begin([0, 1], performance.now());
    row(0).clientMoved();
    came(row(1), 1);
    for (const thread of [0, 1]) its.retires(thread, row(thread).flow);
    its.retires(2, row(2).flow);
    for (let client = 0; client < 3; client++) {
      row(0).clientMoved();
      row(1).clientMoved();
    }
    for (const thread of [0, 1]) its.ended(thread);
    expect(done).toMatchObject([{ clients: 6, moved: 6, stayed: 0, dropped: 0 }]);
  });

  it('says so, once, where the sum is not right', () => {
    const { came, done, its, row } = accounts();
    came(row(0), 5);
    its.begin([0], performance.now());
    row(0).clientMoved();
    its.ended(0);
    came(row(0), 1);
    its.begin([0], performance.now());
    row(0).clientMoved();
    its.ended(0);
    const texts = done.map((deploy) => deployText({ ...deploy, ms: 0 }));
    expect(texts).toEqual([
      'reload, 1 thread, 0.0 s: 5 ≠ 1 moved + 0 stayed until they left + 0 dropped: what became of 4 is not known',
      'reload, 1 thread, 0.0 s: 1 = 1 moved + 0 stayed until they left + 0 dropped',
    ]);
  });

  it('waits a second, and no longer, for a thread that does not end', () => {
    vi.useFakeTimers();
    const { came, done, its, row } = accounts();
    came(row(0), 2);
    its.begin([0], performance.now());
    row(0).countEndElsewhere('shutdown');
    its.lost(0);
    row(0).clientMoved();
    vi.advanceTimersByTime(1000);
    vi.useRealTimers();
    expect(done).toMatchObject([{ clients: 2, moved: 1, dropped: 1 }]);
  });
});
