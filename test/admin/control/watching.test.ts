import { describe, expect, it } from 'vitest';
import { ClientList } from '../../../src/admin/control/client-list.ts';
import type { Controlled } from '../../../src/admin/control/controlled.ts';
import { type Seen, watching } from '../../../src/admin/control/watching.ts';
import { ALL_WELL, type Verdict } from '../../../src/admin/verdict.ts';
import { mapped } from '../../../src/ip-address.ts';
import { ConnectionTable } from '../../../src/sharing/connection-table.ts';
import { ThreadBoard } from '../../../src/sharing/thread-board.ts';
import { withoutKernel } from '../../../src/sys/without-kernel.ts';
import { observed } from '../observed.ts';

const EVERY_MS = 300;

/** Three clients on two threads. */
function server() {
  const table = ConnectionTable.create(10);
  const board = ThreadBoard.create(2);
  for (let fd = 0; fd < 3; fd++) {
    table.settle(fd, table.admit(fd, fd % 2, fd + 1, mapped([10, 0, 0, 1]), 1000, 0));
    board.row(fd % 2).addClients(1);
  }
  const state: { verdict: Verdict } = { verdict: ALL_WELL };
  const controlled = {
    about: { threads: { min: 2, max: 2 } },
    memory: { table, board },
    clients: new ClientList({ table, board, speaksTls: false }),
    blocked: () => [],
    verdict: () => state.verdict,
    observe: () => observed(2),
    threadTimes: () => ({}),
  } as unknown as Controlled;
  return { table, controlled, state };
}

async function next(lines: AsyncGenerator<Seen>): Promise<Seen> {
  return (await lines.next()).value as Seen;
}

describe('what a server tells those who watch', () => {
  it('is all at first, then what has changed, and all again after a second', async () => {
    const { controlled, table } = server();
    const lines = watching(controlled, { everyMs: EVERY_MS, waiting: 10, places: 10 });
    const whole = await next(lines);
    expect(whole).toMatchObject({
      schema: 1,
      moved: [
        [1, 1],
        [2, 2],
        [3, 1],
      ],
      left: [],
    }); // prettier-ignore
    expect(whole.sample?.snapshot.threads).toHaveLength(2);
    table.settle(0, table.startMove(0, table.word(0), 1) as number);
    table.free(1, table.word(1), withoutKernel);
    const change = await next(lines);
    expect(change).toMatchObject({ verdict: ALL_WELL, moved: [[1, 2]], left: [2] });
    expect(change.sample).toBeUndefined();
    const later = await next(lines); // Between, nothing has changed, and nothing is told.
    expect(later).toMatchObject({ moved: [], left: [], sample: { waiting: [] } });
    expect(later.time - whole.time).toBeGreaterThanOrEqual(3 * EVERY_MS);
  });

  it('tells of a block each time while it lasts, and once more that it is over', async () => {
    const { controlled, state } = server();
    const lines = watching(controlled, { everyMs: 100, waiting: 10, places: 0 });
    const block = { thread: 1, ms: 200, moved: 0 };
    await next(lines);
    state.verdict = { text: 'x', waiting: 0, blocked: [block] };
    expect(await next(lines)).toMatchObject({ verdict: { blocked: [block] }, moved: [] });
    state.verdict = ALL_WELL;
    expect(await next(lines)).toMatchObject({ verdict: ALL_WELL });
  });

  it('is told once if nobody says how often', async () => {
    const lines: Seen[] = [];
    for await (const line of watching(server().controlled, { waiting: 10, places: 0 })) lines.push(line);
    expect(lines).toMatchObject([{ moved: [], sample: { snapshot: { schema: 1 } } }]);
  });
});
