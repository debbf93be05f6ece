import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mapped } from '../../src/ip-address.ts';
import type { Generation } from '../../src/sharing/connection-table.ts';
import { withoutKernel } from '../../src/sys/without-kernel.ts';
import { ScriptedThread } from '../connection/scripted-thread.ts';

const FD = 9;
/** Longer than a thread waits until it looks again, in ms. */
const A_WHILE = 100;

/** Accepts a client that is idle in the waiting room. */
function admitToRoom({ board, table }: ScriptedThread): Generation {
  const generation = table.admit(FD, board.waitingRoom.thread, 1, mapped([10, 0, 0, 1]), 1009, 0);
  table.settle(FD, generation);
  return generation;
}

describe('a thread that drains', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  it('reports at once that it is drained if the server has no client', async () => {
    const scripted = await ScriptedThread.create({ message: (message) => message });
    scripted.thread.drain();
    expect(scripted.drained).toBe(1);
  });

  it('does not report while a client waits in the room, which may come to it', async () => {
    const scripted = await ScriptedThread.create({ message: (message) => message });
    const generation = admitToRoom(scripted);
    scripted.thread.drain();
    vi.advanceTimersByTime(A_WHILE);
    expect(scripted.drained).toBe(0);
    scripted.table.free(FD, generation, withoutKernel); // Another thread has closed it.
    vi.advanceTimersByTime(A_WHILE);
    expect(scripted.drained).toBe(1);
  });

  it('notices that the acceptor counts a client that it gave back no longer as its own', async () => {
    const scripted = await ScriptedThread.create({ message: (message) => message });
    const row = scripted.board.row(0);
    row.addClients(1);
    scripted.thread.drain();
    expect(scripted.drained).toBe(0);
    row.addClients(-1);
    vi.advanceTimersByTime(A_WHILE);
    expect(scripted.drained).toBe(1);
  });
});
