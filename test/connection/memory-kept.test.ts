import { describe, expect, it } from 'vitest';
import { EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { ScriptedThread } from './scripted-thread.ts';

const FD = 9;

/** A client of an echo service, or of one that sends back as many bytes as it is told. */
async function client(limits = {}) {
  const answer = (line: string): Buffer | string => (line.startsWith('n') ? Buffer.alloc(Number(line.slice(1))) : line);
  const service = { message: (line: unknown) => answer(String(line)) };
  const on = await ScriptedThread.create(service, 'line', limits);
  const { socket, generation } = on.admit(FD);
  const event = (mask: number, text?: string): void => {
    if (text !== undefined) socket.incoming.push(Buffer.from(text));
    on.thread.begin();
    on.thread.serve(FD, generation, mask);
  };
  const row = on.board.row(0);
  const kept = (): readonly number[] => [on.table.kept(FD), on.table.keptHere(FD), row.kept, on.arena.used];
  return { event, kept, on, socket };
}

describe('what is kept for a client', () => {
  it('is in its slot while it is, and in the arena', async () => {
    const { event, kept } = await client();
    event(EPOLLIN, 'half');
    expect(kept()).toEqual([256, 0, 0, 256]);
    event(EPOLLIN, ' a line\n');
    expect(kept()).toEqual([0, 0, 0, 0]);
  });

  it('counts for its thread where the arena has no room', async () => {
    const { event, kept, on } = await client();
    for (const size of [2 ** 21, 2 ** 19]) expect(on.arena.allocate(size, 1)).not.toBe(0);
    const { used } = on.arena;
    for (let sent = 0; sent < 5; sent++) event(EPOLLIN, 'x'.repeat(200_000));
    const [all = 0, here, counted] = kept();
    expect(all).toBeGreaterThanOrEqual(1_000_000);
    expect([here, counted, on.arena.used]).toEqual([all, all, used]);
    event(EPOLLIN, '\n');
    expect(kept()).toEqual([0, 0, 0, used]);
  });

  it('has replies that the kernel did not take', async () => {
    const { event, kept, socket } = await client({ maxUnsent: 2 ** 24 });
    socket.window = () => 1000;
    event(EPOLLIN, 'n5000000\n');
    expect(kept()[0]).toBeGreaterThanOrEqual(4_999_000);
    expect(kept()[1]).toBe(kept()[2]);
    socket.window = () => Infinity;
    event(EPOLLOUT);
    expect(kept()).toEqual([0, 0, 0, 0]);
  });

  it('is not counted any more when the client is gone', async () => {
    const { event, kept, on, socket } = await client({ maxUnsent: 2 ** 24 });
    socket.window = () => 1000;
    event(EPOLLIN, 'n5000000\nhalf');
    expect(kept()[2]).toBeGreaterThan(0);
    socket.window = () => -104;
    event(EPOLLOUT);
    expect(on.events.at(-1)?.type).toBe('close');
    expect(kept().slice(2)).toEqual([0, 0]);
  });
});
