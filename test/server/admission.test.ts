import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { Peer } from './peer.ts';
import { TIMEOUT_MS, noMoves, type Running, service, start } from './running.ts';

const ECHO = service('echo');

/** A server of lines that ends with the test. */
async function startLines(options: ServeOptions, module = ECHO): Promise<Running> {
  const running = await start(module, { framing: 'line', ...options });
  onTestFinished(() => running.server.close());
  return running;
}

/** Connects clients that leave with the test. */
async function dial(running: Running, count: number, from = '127.0.0.1'): Promise<Peer[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => Peer.connect(running.port, from)));
  onTestFinished(async () => void (await Promise.all(peers.map((peer) => peer.leave()))));
  return peers;
}

/** Resolves with those of `peers` that were answered, once there are `count` of them. */
function answered(peers: readonly Peer[], count: number): Promise<readonly Peer[]> {
  const find = (): readonly Peer[] => {
    const found = peers.filter(({ pieces }) => pieces.length > 0);
    if (found.length < count) throw new Error(`${found.length} of ${count} are answered`);
    return found;
  };
  return vi.waitFor(find, { timeout: TIMEOUT_MS, interval: 5 });
}

/** Comes again and again until it is let in: a place is free a moment after its client has seen the end. */
async function enter(running: Running, from: string): Promise<Peer> {
  for (;;) {
    const [peer] = (await dial(running, 1, from)) as [Peer];
    if (await peer.ask('echo in').catch(() => false)) return peer;
  }
}

async function over(peer: Peer): Promise<boolean> {
  await peer.over();
  return peer.pieces.length === 0;
}

describe('maxClients', () => {
  it('serves exactly so many of those who come, on all threads, and each other as one leaves', async () => {
    const running = await startLines({ maxClients: 100, threads: 4 });
    let waiting = await dial(running, 300);
    for (const peer of waiting) peer.send('hello\n');
    const placed = (): number => running.server.stats().threads.reduce((sum, { clients }) => sum + clients, 0);
    let spreads = 0;
    for (let wave = 0; wave < 3; wave++) {
      const served = await answered(waiting, 100);
      const opened = await running.seen('open', 100 * (wave + 1));
      expect([served.length, opened.length]).toEqual([100, 100 * (wave + 1)]);
      // One that moves is for a moment on neither thread.
      await vi.waitFor(() => expect(placed()).toBe(100), { timeout: TIMEOUT_MS });
      if (!noMoves) await running.spread();
      if (running.threadsInUse() > 1) spreads++;
      waiting = waiting.filter((peer) => !served.includes(peer));
      await Promise.all(served.map((peer) => peer.leave()));
    }
    // Where clients cannot move, those of one wave may all have got the only thread that was awake.
    expect(spreads).toBeGreaterThan(0);
    await running.seen('close', 300);
    expect(running.server.stats()).toMatchObject({
      clients: 0,
      accepted: 300,
      rejected: { 'over-limit': 0, denied: 0 },
      acceptPauses: { 'no-files': 0, 'no-memory': 0 },
    });
    // Once at least; anew where the acceptor saw a free place before it saw who waits for it. The net engine may see places
    // again before it has looked whether it is full.
    if (!noMoves) expect(running.server.stats().acceptPauses['max-clients']).toBeGreaterThan(0);
  });

  it('is never passed while clients come and go', async () => {
    const running = await startLines({ maxClients: 5, threads: 3 });
    const visit = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        await using peer = await Peer.connect(running.port);
        expect(await peer.ask('hello')).toBe('hello');
      }
    };
    await Promise.all(Array.from({ length: 15 }, visit));
    await running.seen('close', 300);
    let here = 0;
    for (const { type } of running.events) {
      if (type === 'open') here++;
      if (type === 'close') here--;
      expect(here).toBeLessThanOrEqual(5);
    }
  });

  it('has a place free when a thread dies with the client that it served', async () => {
    const running = await startLines({ maxClients: 1, threads: 2 }, service('commands'));
    const [first] = (await dial(running, 1)) as [Peer];
    await first.ask('echo here');
    const [second] = (await dial(running, 1)) as [Peer];
    first.send('exit 1\n');
    expect(await second.ask('echo served')).toBe('served');
  });

  it('with overflow reject closes those beyond it at once', async () => {
    const running = await startLines({ maxClients: 10, overflow: 'reject', threads: 3 });
    const first = await dial(running, 10);
    expect(await Promise.all(first.map((peer) => peer.ask('hello')))).toHaveLength(10);
    const beyond = await dial(running, 20);
    expect(await Promise.all(beyond.map(over))).not.toContain(false);
    await running.clients(10);
    expect(running.server.stats()).toMatchObject({ accepted: 10, rejected: { 'over-limit': 20 } });
    await first[0]?.leave();
    await enter(running, '127.0.0.1');
    await running.clients(10);
    expect(running.server.stats()).toMatchObject({ accepted: 11, acceptPauses: { 'max-clients': 0 } });
  });
});

describe('maxClientsPerAddress', () => {
  it('closes those beyond it, of each address by itself', async () => {
    const running = await startLines({ maxClientsPerAddress: 3, threads: 2 });
    for (const address of ['127.0.0.1', '127.0.0.2']) {
      const peers = await dial(running, 3, address);
      expect(await Promise.all(peers.map((peer) => peer.ask('hello')))).toHaveLength(3);
    }
    const beyond = [...(await dial(running, 5, '127.0.0.1')), ...(await dial(running, 5, '127.0.0.2'))];
    expect(await Promise.all(beyond.map(over))).not.toContain(false);
    await running.clients(6);
    expect(running.server.stats().rejected).toEqual({ 'over-limit': 10, denied: 0 });
    expect((await running.all('reject'))[0]).toMatchObject({ address: '127.0.0.1', reason: 'over-limit' });
  });

  it.each(['close', 'echo', 'exit 1'])('counts a client no more whose connection has ended: %s', async (line) => {
    const running = await startLines({ maxClientsPerAddress: 1, threads: 2 }, service('commands'));
    for (let round = 0; round < 4; round++) {
      const peer = await enter(running, '127.0.0.3');
      const [other] = (await dial(running, 1, '127.0.0.3')) as [Peer];
      expect(await over(other)).toBe(true);
      peer.send(`${line}\n`);
      if (line === 'echo') peer.reset();
      else if (line === 'close') await peer.rest();
    }
    expect(running.server.stats().accepted).toBe(4);
    expect(running.server.stats().rejected['over-limit']).toBeGreaterThanOrEqual(4);
  });
});

describe('allow and deny', () => {
  it('let in whom allow has and deny has not', async () => {
    const running = await startLines({ allow: ['127.0.0.0/30'], deny: '127.0.0.2' });
    const answer = async (from: string): Promise<string> => {
      const [peer] = (await dial(running, 1, from)) as [Peer];
      return peer.ask('in').catch(() => 'out');
    };
    expect([await answer('127.0.0.1'), await answer('127.0.0.2'), await answer('127.0.0.3')]).toEqual([
      'in',
      'out',
      'in',
    ]);
    expect(await answer('127.0.0.4')).toBe('out');
    expect(running.server.stats()).toMatchObject({ accepted: 2, rejected: { 'over-limit': 0, denied: 2 } });
  });

  it('know an IPv4 client of a server that listens on IPv6 as well', async () => {
    const running = await startLines({ host: undefined, deny: ['127.0.0.2'], allow: ['127.0.0.0/8'] });
    const [out] = (await dial(running, 1, '127.0.0.2')) as [Peer];
    expect(await over(out)).toBe(true);
    const [inside] = (await dial(running, 1, '127.0.0.1')) as [Peer];
    expect(await inside.ask('hello')).toBe('hello');
  });

  it('report a flood of the denied in a few lines, and how many there were beside', async () => {
    const running = await startLines({ deny: ['127.0.0.2'] });
    const [inside] = (await dial(running, 1)) as [Peer];
    const flood = await dial(running, 200, '127.0.0.2');
    await Promise.all(flood.map(over));
    expect(await inside.ask('hello')).toBe('hello');
    await running.server.close();
    const hidden = (await running.all('rejects-hidden')).reduce((sum, { count }) => sum + count, 0);
    const shown = (await running.all('reject')).length;
    expect([shown + hidden, running.server.stats().rejected.denied]).toEqual([200, 200]);
    expect(shown).toBeLessThan(200);
  });
});
