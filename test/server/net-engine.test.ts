import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type HeddleError } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import { parseServeOptions, type ServeOptions } from '../../src/options/serve-options.ts';
import { nameInLibrary } from '../../src/options/source.ts';
import { NetEngine } from '../../src/server/net-engine.ts';
import { canHandOver } from '../../src/server/open-engine.ts';
import { listenOn } from '../support/loopback.ts';
import { makeGate } from './gate.ts';
import { Peer } from './peer.ts';
import { TIMEOUT_MS, descriptorsBack, openDescriptors, type Running, service, start } from './running.ts';

const COMMANDS = service('commands');

function startNet(options: ServeOptions = {}, module: URL | undefined = COMMANDS): Promise<Running> {
  // One thread after the other, so that each soon has some clients.
  return start(module, { engine: 'net', placement: 'round-robin', ...options });
}

/** Connects clients one after the other that have had an answer. */
async function settled(running: Running, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  for (let client = 0; client < count; client++) {
    const peer = await running.connect();
    expect(await peer.ask(`echo ${client}`)).toBe(`${client}`);
    peers.push(peer);
  }
  return peers;
}

/** Clients of two threads, at least `count` of each: those of the first that has so many come first. */
async function settledOnTwo(running: Running, count: number): Promise<[Peer[], Peer[]]> {
  const byThread = new Map<number, Peer[]>();
  for (;;) {
    const [peer] = (await settled(running, 1)) as [Peer];
    const thread = (await running.all('open')).find(({ port }) => port === peer.localPort)?.thread ?? 0;
    byThread.set(thread, [...(byThread.get(thread) ?? []), peer]);
    const [first, second] = [...byThread.values()].sort((a, b) => b.length - a.length);
    if (first !== undefined && second !== undefined && second.length >= count) return [first, second];
  }
}

async function refusal(options: ServeOptions): Promise<HeddleError> {
  return start(COMMANDS, options).then(
    (running) => running.server.close().then(() => Promise.reject(new Error('it started'))),
    (error: HeddleError) => error,
  );
}

it.runIf(canHandOver())('the net engine runs beside the others, if asked for', async () => {
  await using running = await startNet();
  expect(running.server.engine).toBe('net');
  const [peer] = (await settled(running, 1)) as [Peer];
  expect(await peer.ask('who')).toBe(`127.0.0.1 ${peer.localPort}`);
});

it.skipIf(canHandOver())('the net engine is refused by a Node that cannot hand sockets to other threads', async () => {
  const before = openDescriptors();
  expect(await refusal({ engine: 'net' })).toMatchObject({
    code: 'HEDDLE_UNSUPPORTED',
    message: `Cannot use the net engine: it needs Node 24.21 or newer of version 24, or Node 26.6 or newer, this is ${process.versions.node}. Use such a Node, or on Linux the epoll engine (leave out options.engine)`,
  });
  await descriptorsBack(before);
});

it.each<[string, ServeOptions, RegExp]>([
  ['takeOver', { takeOver: '/tmp/heddle-never.sock' }, /options\.takeOver: Node cannot hand its sockets to other proc/],
  [
    'proxyProtocol under TLS',
    { proxyProtocol: '127.0.0.1', tls: { cert: 'cert.pem', key: 'key.pem' } },
    /options\.proxyProtocol beside options\.tls: .* Have the load balancer end TLS/,
  ],
])('the net engine refuses %s, and opens nothing', async (_what, options, message) => {
  const before = openDescriptors();
  await expect(new NetEngine().listen(parseServeOptions(options), nameInLibrary)).rejects.toMatchObject({
    code: 'HEDDLE_UNSUPPORTED',
    message: expect.stringMatching(message),
  });
  await expect(new NetEngine().listen(parseServeOptions(options), nameInLibrary)).rejects.toThrow(
    /or on Linux the epoll engine, with options\.engine$/,
  );
  await descriptorsBack(before);
});

// Node 20 has no way to give a socket to another thread.
describe.runIf(canHandOver())('in the net engine', () => {
  it('a server listens on IPv4 and IPv6 at once', async () => {
    await using running = await startNet({ host: undefined });
    const [peer] = (await settled(running, 1)) as [Peer];
    expect(await peer.ask('who')).toBe(`127.0.0.1 ${peer.localPort}`);
    expect(running.server.address).toMatchObject({ family: 'IPv6', host: '::' });
  });

  it('a server listens in several places, and serves clients of each', async () => {
    const listen = ['127.0.0.1:0', '[::1]:0', '127.0.0.1:0'];
    await using running = await startNet({ host: undefined, port: undefined, listen });
    const { addresses } = running.server;
    expect(addresses.map(({ host }) => host)).toEqual(['127.0.0.1', '::1', '127.0.0.1']);
    for (const { host, port } of addresses) {
      await using connection = await connect({ host, port, framing: 'line' });
      expect(String(await connection.request('echo here'))).toBe('here');
    }
    expect(running.server.stats().accepted).toBe(3);
  });

  it('a server takes clients from a socket that is open already, and closes it when it ends', async () => {
    const before = openDescriptors();
    const { fd, port } = listenOn();
    const running = await startNet({ host: undefined, port: undefined, listenFds: [fd] });
    expect(running.server.addresses).toEqual([{ family: 'IPv4', host: '127.0.0.1', port }]);
    const [peer] = (await settled(running, 1)) as [Peer];
    await running.server.close();
    await peer.leave();
    await descriptorsBack(before);
  });

  it.each(['close', 'drain'] as const)('nothing stays open: %s', async (way) => {
    const before = openDescriptors();
    const running = await startNet({ threads: 3 });
    const peers = await settled(running, 9);
    await running.server[way]();
    for (const peer of peers) await peer.leave();
    expect(await running.all('close')).toHaveLength(9);
    await descriptorsBack(before);
  });

  it('a Unix socket is refused, with what to do, and nothing stays open', async () => {
    const before = openDescriptors();
    expect(await refusal({ engine: 'net', unix: '/tmp/heddle-never.sock' })).toMatchObject({
      code: 'HEDDLE_UNSUPPORTED',
      message: expect.stringMatching(
        /^Cannot listen on unix:.*net engine has no Unix sockets.*epoll engine, with options\.engine$/,
      ),
    });
    await descriptorsBack(before);
  });

  it('the clients of a thread that dies are cut off, each once; the others go on; it is replaced', async () => {
    const before = openDescriptors();
    const running = await startNet({ threads: 2 });
    const [victims, others] = await settledOnTwo(running, 4);
    victims[0]?.send('exit 3\n');
    await Promise.all(victims.map((peer) => peer.over()));
    const closes = await running.seen('close', victims.length);
    expect(closes.map(({ reason }) => reason)).toEqual(victims.map(() => 'thread-exit'));
    expect(new Set(closes.map(({ port }) => port))).toEqual(new Set(victims.map(({ localPort }) => localPort)));
    for (const other of others) expect(await other.ask('echo on')).toBe('on');
    await running.seen('thread-start', 3);
    const young = await settled(running, 2);
    expect(running.server.stats()).toMatchObject({
      clients: others.length + young.length,
      closes: { 'thread-exit': victims.length },
    });
    await running.server.close();
    for (const peer of [...victims, ...others, ...young]) await peer.leave();
    await descriptorsBack(before);
  });

  it('clients on their way to a thread that dies are closed too, and counted', async () => {
    const before = openDescriptors();
    const running = await startNet({ threads: 1, handlerTimeout: 500 });
    const [holder] = (await settled(running, 1)) as [Peer];
    holder.send('spin\n');
    // The thread takes no messages any more; it is not known to be blocked yet, or there is no other.
    const late = await Peer.connectAll(running.port, 5);
    await running.seen('thread-exit');
    const ends = await Promise.allSettled(late.map((peer) => peer.ask('echo in')));
    const served = ends.filter(({ status }) => status === 'fulfilled').length;
    const closes = await running.seen('close', 6 - served);
    expect(closes.map(({ reason }) => reason).sort()).toEqual([
      'handler-timeout',
      ...Array<string>(5 - served).fill('thread-exit'),
    ]);
    expect(running.server.stats().clients).toBe(served);
    await running.server.close();
    for (const peer of [holder, ...late]) await peer.leave();
    await descriptorsBack(before);
  });

  it('handlerTimeout closes the client at fault by that name, and its neighbours with the thread', async () => {
    await using running = await startNet({ threads: 2, handlerTimeout: 2000 });
    const [[stuck, neighbour], [other]] = (await settledOnTwo(running, 2)) as [[Peer, Peer], [Peer]];
    stuck.send('spin\n');
    expect((await running.closeOf(stuck)).reason).toBe('handler-timeout');
    expect((await running.closeOf(neighbour)).reason).toBe('thread-exit');
    expect((await running.seen('thread-overdue'))[0]).toMatchObject({ port: stuck.localPort });
    expect(await other.ask('echo on')).toBe('on');
  });

  it('so is a thread that is blocked after a handler has waited for something', async () => {
    await using running = await startNet({ threads: 1, handlerTimeout: 2000 }, service('held-later'));
    const peer = await running.connect();
    peer.send('hold\n');
    await peer.over();
    expect(await running.seen('thread-exit')).toMatchObject([{ cause: 'handler-timeout' }]);
    await using next = await running.connect();
    expect(await next.ask('hello')).toBe('hello');
  });

  it('while threads are blocked, new clients get others, which are started for them', async () => {
    const { gate, open, held } = makeGate();
    await using running = await startNet({ threads: { min: 1, max: 3 }, shared: { gate } });
    const [holder] = (await settled(running, 1)) as [Peer];
    holder.send('hold\n');
    await held();
    await running.seen('thread-start', 2);
    const [next] = (await settled(running, 1)) as [Peer];
    expect(await next.ask('echo at once')).toBe('at once');
    expect(holder.pieces).toEqual([]);
    open();
    expect(await holder.line()).toBe('held');
    expect(running.server.stats().moves).toEqual({ blocked: 0, 'thread-exit': 0, balance: 0, reload: 0 });
  });

  it('a reload is for new clients; old ones keep their code until they leave', async () => {
    const version = join(mkdtempSync(join(tmpdir(), 'heddle-')), 'version');
    writeFileSync(version, 'one ');
    await using running = await startNet({ shared: { version } }, service('held'));
    const old = await running.connect();
    expect(await old.ask('x')).toBe('one x');
    writeFileSync(version, 'two ');
    await running.server.reload();
    const young = await running.connect();
    expect([await old.ask('x'), await young.ask('x')]).toEqual(['one x', 'two x']);
    await old.leave();
    // Threads with old code and without clients end: then there is room for another reload.
    await vi.waitFor(() => running.server.reload(), { timeout: 15_000 });
    expect(await young.ask('x')).toBe('two x');
  });

  it('who keeps old code beyond shutdownTimeout is cut off', async () => {
    await using running = await startNet({ shutdownTimeout: 100 });
    const [old] = (await settled(running, 1)) as [Peer];
    await running.server.reload();
    await old.over();
    expect(await running.closeOf(old)).toMatchObject({ reason: 'shutdown', detail: 'its thread was being replaced' });
  });

  it('clients beyond maxClients wait in the kernel, through many openings of the door', async () => {
    await using running = await startNet({ maxClients: 2, threads: 2 });
    const peers = await Peer.connectAll(running.port, 30);
    const answers = peers.map(async (peer, index) => {
      expect(await peer.ask(`echo ${index}`)).toBe(`${index}`);
      expect(running.server.stats().clients).toBeLessThanOrEqual(2);
      await peer.leave();
    });
    await Promise.all(answers);
    await running.seen('close', 30);
    expect(running.server.stats()).toMatchObject({ accepted: 30, rejected: { 'over-limit': 0 } });
  });

  it('a client that resets at once leaves nothing behind', async () => {
    const before = openDescriptors();
    const running = await startNet();
    for (let round = 0; round < 20; round++) {
      const peers = await Peer.connectAll(running.port, 25);
      for (const peer of peers) peer.reset();
    }
    const [last] = (await settled(running, 1)) as [Peer];
    const { accepted } = running.server.stats();
    await running.seen('close', accepted - 1);
    expect(await running.all('open')).toHaveLength(accepted);
    expect((await running.all('close')).every(({ reason }) => reason === 'client-reset')).toBe(true);
    await vi.waitFor(() => expect(running.server.stats().clients).toBe(1), { timeout: TIMEOUT_MS });
    await running.server.close();
    await last.leave();
    await descriptorsBack(before);
  });

  it('a client that does not read is cut off by a reset, so that the kernel keeps nothing for it', async () => {
    const options = { shared: { size: 16 * 2 ** 20 }, sendTimeout: 300 };
    await using running = await startNet(options, service('large'));
    const peer = await running.connect();
    peer.socket.pause();
    peer.send('more\n');
    expect((await running.closeOf(peer)).reason).toBe('send-timeout');
    peer.socket.resume();
    await peer.over();
    expect(peer.error).toMatchObject({ code: 'ECONNRESET' });
  });
});
