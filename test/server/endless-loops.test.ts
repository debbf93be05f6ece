import { expect, it, vi } from 'vitest';
import type { Peer } from './peer.ts';
import { noMoves, type Running, service, start, TIMEOUT_MS } from './running.ts';

const THREADS = 4;

// On the net engine a client stays where it was put, also on a blocked thread: not all threads need be blocked there.
it.skipIf(noMoves)(
  'endless loops on all threads end one thread, whatever handlerTimeout is, and name its client',
  async () => {
    await using running = await startLooping();
    const loops = await loopOnAll(running);
    await using light = await running.connect();
    light.send('echo 1\n');
    await expectOneEnded(running, loops);
  },
);

it.skipIf(noMoves)('a client waits for seconds beside endless loops on all threads, not for good', async () => {
  await using running = await startLooping();
  await loopOnAll(running);
  await using light = await running.connect();
  for (let asked = 0; asked < 20; asked++) expect(await light.ask(`echo ${asked}`)).toBe(`${asked}`);
  await light.leave();
});

function startLooping(): Promise<Running> {
  return start(service('commands'), { threads: `2..${THREADS}`, handlerTimeout: 'never' });
}

/** One after the other, so that each gets a thread of its own. */
async function loopOnAll(running: Running): Promise<Peer[]> {
  const loops: Peer[] = [];
  while (loops.length < THREADS) {
    const loop = await running.connect();
    loop.send('spin\n');
    loops.push(loop);
    await vi.waitUntil(() => blockedThreads(running) >= loops.length, { timeout: TIMEOUT_MS });
  }
  return loops;
}

function blockedThreads({ server }: Running): number {
  return server.stats().threads.filter(({ blockedMs }) => blockedMs > 0).length;
}

async function expectOneEnded(running: Running, loops: Peer[]): Promise<void> {
  const [held] = await running.seen('thread-overdue');
  expect(loops.map(({ localPort }) => localPort)).toContain(held?.port);
  const [exit] = await running.seen('thread-exit');
  expect(exit?.detail).toMatch(/^no thread was free for a second while clients waited/);
  const closed = (await running.seen('close')).find(({ reason }) => reason === 'handler-timeout');
  expect(closed?.port).toBe(held?.port);
}
