import { latencyBounds } from 'heddle';
import { expect, it, vi } from 'vitest';
import { noMoves, service, start, TIMEOUT_MS } from './running.ts';

const BUSY_MS = 600;
/** In seconds: a wait of which the other client's message is the most. */
const LONG_S = 0.3;

/** How many of `counts` are above `seconds`. */
function above(counts: Float64Array, seconds: number): number {
  return latencyBounds().reduce((sum, bound, bucket) => sum + (bound > seconds ? (counts[bucket] as number) : 0), 0);
}

it.skipIf(noMoves)(
  'a client that waits behind a blocked thread is counted while it waits, and with its whole wait',
  async () => {
    await using running = await start(service('busy'), { threads: 1 });
    const { server } = running;
    const [one, other] = [await running.connect(), await running.connect()];
    await Promise.all([one.ask('hello'), other.ask('hello')]);
    await vi.waitUntil(() => server.stats().messages === 2, { timeout: TIMEOUT_MS });
    const before = server.stats();
    const busy = one.ask(`busy ${BUSY_MS}`);
    await vi.waitUntil(() => server.stats().threads.some(({ blockedMs }) => blockedMs > 0), { timeout: TIMEOUT_MS });
    expect(server.stats().behindBlocked['no-thread']).toBe(1);
    const light = other.ask('hello');
    await busy;
    await light;
    await vi.waitUntil(() => server.stats().messages === 4, { timeout: TIMEOUT_MS });
    const { latency, longestResponse, response, wait } = server.stats();
    const added = (name: 'response' | 'latency' | 'wait', counts: Float64Array): number =>
      above(counts, LONG_S) - above(before[name], LONG_S);
    expect([added('response', response), added('latency', latency), added('wait', wait)]).toEqual([2, 1, 1]);
    expect(longestResponse).toBeGreaterThanOrEqual(LONG_S);
    await vi.waitUntil(() => server.stats().threads.every(({ blockedMs }) => blockedMs === 0), { timeout: TIMEOUT_MS });
    expect([above(server.stats().blocks.client, 0.2), server.stats().behindBlocked['no-thread']]).toEqual([1, 0]);
  },
);

it('an async handler counts from when its message came until its reply', async () => {
  await using running = await start(service('slow-lines'), { threads: 1 });
  const client = await running.connect();
  await client.ask('50');
  const { latency, response, wait } = running.server.stats();
  expect([above(latency, 0.03), above(response, 0.03), above(wait, 0)]).toEqual([1, 1, 1]);
});
