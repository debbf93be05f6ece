import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { Peer } from './peer.ts';
import {
  TIMEOUT_MS,
  descriptorsBack,
  noMoves,
  openDescriptors,
  openSockets,
  service,
  start,
  type Running,
} from './running.ts';

function closesOf({ server }: Running): number {
  return Object.values(server.stats().closes).reduce((sum, count) => sum + count, 0);
}

/** Sends `rounds` messages that no other client sends, and checks each reply. */
async function converse(peer: Peer, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const nonce = `${peer.localPort} ${round} ${randomBytes(12 + (round % 5) * 200).toString('hex')}`;
    const reply = await peer.ask(nonce);
    if (reply !== [...nonce].reverse().join('')) throw new Error(`port ${peer.localPort} sent ${nonce}, got ${reply}`);
  }
}

const TRIES = 8;

/** A thread that the machine lets wait gets no clients for a moment, whatever the placement: then it is tried again. */
async function unlessBusy(check: () => Promise<void>): Promise<void> {
  for (let tries = 1; tries < TRIES; tries++) {
    const isFine = await check().then(
      () => true,
      () => false,
    );
    if (isFine) return;
  }
  await check();
}

describe('many clients', () => {
  it('that all talk at once on 4 threads are all served, bytes exact', async () => {
    await using running = await start(undefined, { framing: 'line', threads: 4 });
    const peers = await Peer.connectAll(running.port, 200);
    await Promise.all(peers.map((peer) => converse(peer, 50)));
    await running.clients(200);
    expect(running.server.stats().messages).toBe(10_000);
    const { receivedBytes } = running.server.stats();
    // A thread counts what it has sent when the client may have it already.
    await vi.waitFor(() => expect(running.server.stats().sentBytes).toBe(receivedBytes), { timeout: TIMEOUT_MS });
    if (!noMoves) await running.spread();
    await Promise.all(peers.map((peer) => peer.finish().rest()));
    await running.seen('close', 200);
    expect(running.server.stats()).toMatchObject({ clients: 0, closes: { 'client-finished': 200 } });
  });

  it('that come and go, finishing or resetting, leave nothing behind', async () => {
    const before = openDescriptors();
    const running = await start(undefined, { framing: 'line', threads: 2 });
    const [withServer, sockets] = [openDescriptors(), openSockets()];
    const comeAndGo = async (count: number): Promise<void> => {
      for (let visit = 0; visit < count; visit++) {
        const peer = await running.connect();
        if (visit % 4 !== 0) await converse(peer, 1);
        if (visit % 4 === 1) peer.reset();
        else if (visit % 4 === 2) await peer.finish().rest();
        await peer.leave();
      }
    };
    await Promise.all(Array.from({ length: 20 }, () => comeAndGo(100)));
    await running.seen('close', 2000);
    expect(await running.all('open')).toHaveLength(2000);
    const ids = new Set((await running.all('open')).map(({ client }) => client));
    expect(ids.size).toBe(2000);
    expect(new Set((await running.all('close')).map(({ client }) => client))).toEqual(ids);
    expect(closesOf(running)).toBe(2000);
    expect(running.server.stats()).toMatchObject({ clients: 0, messages: 1500 });
    await vi.waitFor(() => expect(openSockets()).toBeLessThanOrEqual(sockets), { timeout: TIMEOUT_MS });
    await descriptorsBack(withServer + 1); // On Node 24 and newer the process sometimes makes one epoll set meanwhile, and closes it later.
    await running.server.close();
    await descriptorsBack(before);
  });

  it('report each client’s opening before its end, with the same address', async () => {
    await using running = await start(undefined);
    const peers = await Peer.connectAll(running.port, 20);
    await Promise.all(peers.map((peer) => peer.finish().rest()));
    await running.seen('close', 20);
    for (const peer of peers) {
      const events = running.events.filter((event) => 'port' in event && event.port === peer.localPort);
      expect(events.map(({ type }) => type)).toEqual(['open', 'close']);
      const [open, close] = events;
      // Not the thread: the client may have moved.
      const { client, address, port } = open as Extract<typeof open, { type: 'open' }>;
      expect(close).toMatchObject({ client, address, port, reason: 'client-finished' });
    }
  });
});

describe('placement', () => {
  it.each(['least-busy', 'least-clients', 'round-robin'] as const)('%s spreads clients evenly', async (placement) => {
    await using running = await start(undefined, { threads: 4, placement });
    const peers: Peer[] = [];
    for (let client = 0; client < 40; client++) peers.push(await running.connect());
    await running.seen('open', 40);
    const most = placement === 'least-busy' ? 15 : 10;
    // A thread that a busy machine let wait may have got none for a moment: then they are evened out.
    await vi.waitFor(
      () => {
        const counts = running.server.stats().threads.map(({ clients }) => clients);
        expect(counts.reduce((sum, clients) => sum + clients, 0)).toBe(40);
        expect(Math.max(...counts)).toBeLessThanOrEqual(most + 1);
      },
      { timeout: TIMEOUT_MS },
    );
    await Promise.all(peers.map((peer) => peer.leave()));
  });

  it('round-robin takes one thread after the other', async () => {
    await unlessBusy(async () => {
      await using running = await start(service('thread-of'), { threads: 3, placement: 'round-robin' });
      const threads: string[] = [];
      for (let client = 0; client < 9; client++) {
        const peer = await running.connect();
        threads.push(await peer.ask('?'));
      }
      expect(new Set(threads.slice(0, 3)).size).toBe(3);
      expect(threads.slice(3, 6)).toEqual(threads.slice(0, 3));
      expect(threads.slice(6)).toEqual(threads.slice(0, 3));
    });
  });

  it('least-clients takes the thread that others have left', async () => {
    await unlessBusy(async () => {
      await using running = await start(service('thread-of'), { threads: 2, placement: 'least-clients' });
      const peers: Peer[] = [];
      for (let client = 0; client < 8; client++) peers.push(await running.connect());
      const threads = await Promise.all(peers.map((peer) => peer.ask('?')));
      const ofFirst = peers.filter((_, client) => threads[client] === '1');
      await Promise.all(ofFirst.map((peer) => peer.leave()));
      await running.seen('close', ofFirst.length);
      for (let client = 0; client < 3; client++) expect(await (await running.connect()).ask('?')).toBe('1');
    });
  });
});
