import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { makeGate } from './gate.ts';
import { Peer } from './peer.ts';
import { TIMEOUT_MS, noMoves, type Running, service, start } from './running.ts';

const PINNED = service('held');

/** Clients that have had an answer, so that their thread knows them. */
async function settled(running: Running, count: number): Promise<Peer[]> {
  const peers = await Peer.connectAll(running.port, count);
  for (const peer of peers) expect(await peer.ask('hello')).toContain('hello');
  return peers;
}

/** Resolves when no client has its thread to itself, which it had if a busy machine let the other one wait. */
async function shared({ server }: Running): Promise<void> {
  const alone = (): boolean => server.stats().threads.some(({ clients }) => clients === 1);
  await vi.waitFor(() => expect(alone()).toBe(false), { timeout: TIMEOUT_MS });
}

/** Two clients of one thread and one of another; there may be more. */
async function settledOnTwo(running: Running): Promise<[[Peer, Peer], [Peer]]> {
  const peers = await settled(running, 3);
  for (;;) {
    const threads = await Promise.all(peers.map((peer) => peer.ask('thread')));
    const groups = [...new Set(threads)].map((thread) => peers.filter((_, index) => threads[index] === thread));
    const [most, fewest] = groups.sort((a, b) => b.length - a.length) as [Peer[], Peer[]?];
    // Beyond that, clients are evened out.
    const isEven = fewest !== undefined && (noMoves || most.length - fewest.length <= 2);
    if (isEven && most.length > 1) return [most, fewest] as [[Peer, Peer], [Peer]];
    peers.push(...(await settled(running, 1)));
  }
}

describe('beside a client that blocks its thread', () => {
  it.skipIf(noMoves)('all others are answered before it is, those on its thread too', async () => {
    const { gate, held, open } = makeGate();
    await using running = await start(PINNED, { threads: { min: 2, max: 4 }, shared: { gate } });
    const [holder, ...others] = await settled(running, 9);
    await shared(running);
    holder?.send('hold\n');
    await held();
    for (const other of others) expect(await other.ask('still there?')).toBe('still there?');
    expect(holder?.pieces).toEqual([]);
    open();
    expect(await (holder as Peer).line()).toBe('hold');
    expect(running.server.stats().moves.blocked).toBeGreaterThan(0);
  });

  it.skipIf(noMoves)('a client that is part-way through a message is answered too', async () => {
    const { gate, held, open } = makeGate();
    await using running = await start(PINNED, { threads: { min: 1, max: 3 }, shared: { gate } });
    const [holder, half] = (await settled(running, 2)) as [Peer, Peer];
    half.send('first half, ');
    await vi.waitFor(() => expect(running.server.stats().receivedBytes).toBe(2 * 'hello\n'.length + 12), {
      timeout: TIMEOUT_MS,
    });
    holder.send('hold\n');
    await held();
    expect(await half.ask('second half')).toBe('first half, second half');
    expect(holder.pieces).toEqual([]);
    open();
    expect(await holder.line()).toBe('hold');
  });

  it.skipIf(noMoves)('other threads are started when all are blocked', async () => {
    const { gate, open, held } = makeGate();
    await using running = await start(PINNED, { threads: { min: 2, max: 6 }, shared: { gate } });
    const peers = await settled(running, 6);
    const holders = peers.slice(0, 3);
    for (const holder of holders) holder.send('hold\n');
    await held(3);
    for (const other of peers.slice(3)) expect(await other.ask('hello')).toBe('hello');
    expect((await running.all('thread-start')).length).toBeGreaterThan(3);
    open();
    for (const holder of holders) expect(await holder.line()).toBe('hold');
  });

  it('does not move anybody with moveAfter: Infinity', async () => {
    const { gate, open, held } = makeGate();
    await using running = await start(PINNED, {
      threads: 2,
      moveAfter: Infinity,
      placement: 'round-robin',
      shared: { gate },
    });
    const [[holder, neighbour], [other]] = await settledOnTwo(running);
    holder.send('hold\n');
    await held();
    neighbour.send('hello\n');
    for (let round = 0; round < 20; round++) expect(await other.ask('hello')).toBe('hello');
    expect(neighbour.pieces).toEqual([]);
    open();
    expect(await neighbour.line()).toBe('hello');
    expect(running.server.stats().moves.blocked).toBe(0);
  });
});

it('clientsPerThread: 1 gives every client a thread of its own', async () => {
  const { gate, open } = makeGate();
  const options = { threads: { min: 1, max: 4 }, clientsPerThread: 1, shared: { gate } };
  await using running = await start(PINNED, options);
  const peers = await Peer.connectAll(running.port, 3);
  for (const peer of peers) expect(await peer.ask('hello')).toBe('hello');
  expect(
    running.server
      .stats()
      .threads.map(({ clients }) => clients)
      .filter((clients) => clients > 0),
  ).toEqual([1, 1, 1]);
  open();
});

it.skipIf(noMoves)('handlerTimeout closes the client at fault, names it, and nobody else notices', async () => {
  await using running = await start(PINNED, { threads: { min: 2, max: 4 }, handlerTimeout: 2000 });
  const [stuck, ...others] = (await settled(running, 5)) as [Peer, ...Peer[]];
  stuck.send('stuck\n');
  expect((await running.closeOf(stuck)).reason).toBe('handler-timeout');
  const [held] = await running.seen('thread-overdue');
  expect(held).toMatchObject({ port: stuck.localPort });
  for (const other of others) expect(await other.ask('hello')).toBe('hello');
  expect(await running.all('close')).toHaveLength(1);
});

describe('reload', () => {
  it.skipIf(noMoves)('hands every client to the new code and closes none', async () => {
    const version = join(mkdtempSync(join(tmpdir(), 'heddle-')), 'version');
    writeFileSync(version, 'one ');
    await using running = await start(PINNED, { shared: { version } });
    const peers = await settled(running, 10);
    for (const text of ['two ', 'three ']) {
      writeFileSync(version, text);
      await running.server.reload();
      for (const peer of peers)
        await vi.waitFor(async () => expect(await peer.ask('x')).toBe(`${text}x`), { timeout: TIMEOUT_MS });
    }
    expect(await running.all('close')).toEqual([]);
    expect(await running.all('reload')).toHaveLength(2);
  });

  it('cuts off after shutdownTimeout a session of the old code, and says so', async () => {
    await using running = await start(service('sessions'), { shutdownTimeout: 200 });
    await using peer = await running.connect();
    expect(await peer.ask('chat')).toBe('name?');
    await running.server.reload();
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'shutdown', detail: 'its thread was being replaced' });
  });

  it('leaves the old code running when the new one does not start', async () => {
    const version = join(mkdtempSync(join(tmpdir(), 'heddle-')), 'version');
    writeFileSync(version, 'good ');
    await using running = await start(PINNED, { shared: { version } });
    const [peer] = (await settled(running, 1)) as [Peer];
    writeFileSync(version, 'broken');
    await expect(running.server.reload()).rejects.toThrow('this version does not start');
    expect(await peer.ask('x')).toBe('good x');
    expect(await running.all('reload-failed')).toHaveLength(1);
  });

  it.skipIf(noMoves)(
    'asked for many times at once happens twice: the one under way, and one that begins after it',
    async () => {
      await using running = await start(PINNED);
      const peers = await settled(running, 10);
      await Promise.all(Array.from({ length: 10 }, () => running.server.reload()));
      for (const peer of peers) expect(await peer.ask('x')).toMatch(/x$/);
      await running.seen('reload', 2);
      await running.server.close();
      expect(await running.all('reload')).toHaveLength(2);
      expect(await running.all('reload-failed')).toEqual([]);
    },
  );

  it('is refused by a server that is leaving, and by one that has ended: no thread is started for it', async () => {
    const running = await start(PINNED);
    const [peer] = (await settled(running, 1)) as [Peer];
    const leaving = running.server.drain();
    await peer.over();
    await expect(running.server.reload()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
    await peer.leave();
    await leaving;
    const starts = (await running.all('thread-start')).length;
    await expect(running.server.reload()).rejects.toMatchObject({ code: 'HEDDLE_CLOSED' });
    expect(await running.all('thread-start')).toHaveLength(starts);
  });
});
