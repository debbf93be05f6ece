/** What `server.stats()` says of this moment: the calls of the service that wait, and what waits for clients. */
import { describe, expect, it, vi } from 'vitest';
import { Peer } from './peer.ts';
import { type Running, service, start, TIMEOUT_MS } from './running.ts';

const AT_MOST = { timeout: TIMEOUT_MS, interval: 2 };

const showsHandlers = (running: Running, count: number): Promise<void> =>
  vi.waitFor(() => expect(running.server.stats().handlersRunning).toBe(count), AT_MOST);

describe.each(['awaiting', 'awaiting-session'])('the handlers that run, of %s', (name) => {
  it('are those that await something else than their client, until they end or their client leaves', async () => {
    await using running = await start(service(name), { threads: 1 });
    const [leaves, ...waiting] = await Peer.connectAll(running.port, 4);
    const [idle] = await Peer.connectAll(running.port, 1);
    expect(await idle?.ask('x')).toBe('x');
    for (const peer of [leaves, ...waiting]) peer?.send('wait\n');
    await showsHandlers(running, 4);
    leaves?.reset();
    await showsHandlers(running, 3);
    idle?.send('go\n');
    for (const peer of waiting) expect(await peer.line()).toBe('wait');
    await showsHandlers(running, 0);
  });

  it('are gone with their thread', async () => {
    await using running = await start(service(name), { threads: 1 });
    const [waits, dies] = await Peer.connectAll(running.port, 2);
    waits?.send('wait\n');
    await showsHandlers(running, 1);
    dies?.send('die\n');
    await running.seen('thread-exit');
    await showsHandlers(running, 0);
  });
});

describe.each([
  ['sized', '16000000\n'],
  ['sized-session', '16000000\n'],
  ['streams', 'flood 15\n'],
])('the bytes that wait for a client which does not read, of %s', (name, words) => {
  it('are counted until it has them', async () => {
    await using running = await start(service(name), { maxUnsent: '64MiB', messageTimeout: '500ms' });
    await using peer = await running.connect();
    const unsent = (): number => running.server.stats().unsentBytes;
    peer.socket.pause();
    peer.send(words);
    await vi.waitFor(() => expect(unsent()).toBeGreaterThan(0), AT_MOST);
    expect(unsent()).toBeLessThanOrEqual(16_000_001);
    peer.socket.resume();
    await vi.waitFor(() => expect(unsent()).toBe(0), AT_MOST);
  });
});
