import { once } from 'node:events';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Peer } from '../server/peer.ts';
import { TIMEOUT_MS, descriptorsBack, openDescriptors, type Running, service, start } from '../server/running.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { Certificates } from './certificates.ts';
import { connectTls } from './tls-clients.ts';

const COMMANDS = service('commands');
const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);

function startTls(module: URL | undefined, options: ServeOptions = {}): Promise<Running> {
  return start(module, { tls, ...options });
}

const dial = (running: Running): Promise<Peer> => connectTls(running.port, authority);

describe('a service over TLS', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('answers pipelined lines in order, over %s', async (version) => {
    await using running = await startTls(COMMANDS);
    await using peer = await connectTls(running.port, authority, { minVersion: version, maxVersion: version });
    peer.send('later 20 one\necho two\nsoon three\nthrice four\n');
    expect([await peer.line(), await peer.line(), await peer.line()]).toEqual(['one', 'two', 'three']);
    expect([await peer.line(), await peer.line(), await peer.line()]).toEqual(['four 1', 'four 2', 'four 3']);
  });

  it('takes messages in pieces, and such of many pieces of TLS', async () => {
    await using running = await startTls(COMMANDS);
    await using peer = await dial(running);
    for (const byte of 'echo one') {
      peer.send(byte);
      await new Promise(setImmediate);
    }
    expect(await peer.ask('')).toBe('one');
    const long = 'x'.repeat(900_000);
    expect(await peer.ask(`echo ${long}`)).toBe(long);
  });

  it('serves many clients on all threads', async () => {
    await using running = await startTls(COMMANDS, { threads: 4, placement: 'least-clients' });
    const peers = await Promise.all(Array.from({ length: 40 }, () => dial(running)));
    const replies = await Promise.all(peers.map((peer, index) => peer.ask(`echo ${index}`)));
    expect(replies).toEqual(peers.map((_, index) => `${index}`));
    expect(running.server.stats().threads.filter(({ clients }) => clients > 0)).toHaveLength(4);
    await Promise.all(peers.map((peer) => peer.leave()));
    await running.seen('close', 40);
    expect(running.server.stats().clients).toBe(0);
  });

  it('knows a client again that comes back, on whichever thread', async () => {
    await using running = await startTls(COMMANDS, { threads: 4, placement: 'round-robin' });
    await using first = await dial(running);
    const [session] = (await Promise.all([once(first.socket, 'session'), first.ask('echo here')]))[0] as [Buffer];
    const peers = await Promise.all(Array.from({ length: 4 }, () => connectTls(running.port, authority, { session })));
    for (const peer of peers) expect(await peer.ask('echo again')).toBe('again');
    expect(peers.map(({ socket }) => (socket as TLSSocket).isSessionReused())).toEqual(Array(4).fill(true));
    await Promise.all(peers.map((peer) => peer.leave()));
  });

  it('runs sessions, and tells them that their client has finished', async () => {
    await using running = await startTls(service('sessions'));
    await using peer = await dial(running);
    peer.send('sum\n1\n2\n3\n').finish();
    expect(String(await peer.rest())).toBe('sum 6\n');
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
  });

  it('holds a session back whose client does not read', async () => {
    await using running = await startTls(service('sessions'));
    await using peer = await dial(running);
    peer.socket.pause();
    peer.send('flood\n');
    await vi.waitFor(() => expect(running.server.stats().sentBytes).toBeGreaterThan(0), { timeout: TIMEOUT_MS });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(running.server.stats().sentBytes).toBeLessThan(16 * 2 ** 20);
    peer.socket.resume();
    expect((await peer.rest()).length).toBe(16 * 2 ** 20);
  });

  it('replies with 8 MB to a client that has shut down its side', async () => {
    await using running = await startTls(service('sized'));
    await using peer = await dial(running);
    peer.send(`${8 * 2 ** 20}\n`).finish();
    expect((await peer.rest()).length).toBeGreaterThanOrEqual(8 * 2 ** 20);
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
  });

  it('does not cut off the last bytes for a client that reads late', async () => {
    await using running = await startTls(service('sized'));
    await using peer = await dial(running);
    peer.socket.pause();
    peer.send(`${4 * 2 ** 20}\n`).finish();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    peer.socket.resume();
    expect((await peer.rest()).length).toBeGreaterThanOrEqual(4 * 2 ** 20);
  });

  it('has the same deadlines and bounds as without TLS', async () => {
    const limits = { idleTimeout: 3000, messageTimeout: 300, sendTimeout: 600, maxUnsent: '1MiB' } as const;
    const shared = { size: 16 * 2 ** 20 };
    await using running = await startTls(service('large'), { ...limits, shared, threads: 1 });
    const half = (await dial(running)).send('mo');
    const asking = async (what: 'more' | 'push'): Promise<Peer> => {
      const peer = await dial(running);
      peer.socket.pause();
      return peer.send(`${what}\n`);
    };
    const [stuck, glutton, idle] = [await asking('more'), await asking('push'), await dial(running)];
    expect((await running.closeOf(glutton)).reason).toBe('over-limit');
    expect((await running.closeOf(half)).reason).toBe('message-timeout');
    expect((await running.closeOf(stuck)).reason).toBe('send-timeout');
    expect((await running.closeOf(idle)).reason).toBe('idle-timeout');
    for (const peer of [idle, half, stuck, glutton]) await peer.leave();
    expect(running.server.stats().clients).toBe(0);
  });

  it('closes a client whose message is too long, or whom the service closes', async () => {
    await using running = await startTls(COMMANDS, { maxMessageLength: '1KiB' });
    await using talker = await dial(running);
    talker.send('x'.repeat(5000));
    await talker.rest();
    expect((await running.closeOf(talker)).reason).toBe('message-too-long');
    await using other = await dial(running);
    other.send('close bye\n');
    expect(String(await other.rest())).toBe('bye\n');
    expect((await running.closeOf(other)).reason).toBe('server-finished');
  });

  it('tells of a client that is cut off', async () => {
    await using running = await startTls(COMMANDS);
    const socket = connect(running.port, '127.0.0.1');
    await using peer = await connectTls(running.port, authority, { socket });
    await peer.ask('echo here');
    socket.resetAndDestroy();
    await running.seen('close');
    expect((await running.all('close')).map(({ reason }) => reason)).toEqual(['client-reset']);
  });

  it('answers what has arrived when the server leaves, then says the end', async () => {
    const running = await startTls(COMMANDS);
    const peers = await Promise.all(Array.from({ length: 10 }, () => dial(running)));
    for (const peer of peers) await peer.ask('echo here');
    for (const peer of peers) await new Promise((resolve) => peer.socket.write('later 50 one\necho two\n', resolve));
    const [ends] = await Promise.all([Promise.all(peers.map((peer) => peer.rest())), running.server.drain()]);
    expect(ends.map(String)).toEqual(Array(10).fill('one\ntwo\n'));
    expect(running.server.stats().closes.shutdown).toBe(10);
    expect((await running.all('close')).filter(({ detail }) => detail !== undefined)).toEqual([]);
  });

  it('tells of a client that was not answered within shutdownTimeout, and of no other', async () => {
    const running = await startTls(COMMANDS, { shutdownTimeout: 3000 });
    await using idle = await dial(running);
    await using hung = await dial(running);
    for (const peer of [idle, hung]) await peer.ask('echo here');
    await new Promise((resolve) => hung.socket.write('never\n', resolve));
    await Promise.all([running.server.drain(), idle.rest()]);
    const details = (await running.all('close')).map(({ detail }) => detail);
    expect(details).toEqual([undefined, 'still open at shutdownTimeout']);
  });

  it('does not wait for a client that says nothing when the server leaves', async () => {
    const running = await startTls(COMMANDS);
    await using silent = await Peer.connect(running.port);
    await running.seen('open');
    const began = performance.now();
    await running.server.drain();
    expect(performance.now() - began).toBeLessThan(14_000);
    expect((await running.closeOf(silent)).reason).toBe('shutdown');
  });
});

describe('a thread with TLS clients', () => {
  it('takes them with it when it dies, each with reason thread-exit, and leaves no fd open', async () => {
    const before = openDescriptors();
    const running = await startTls(COMMANDS, { threads: 1 });
    const peers = await Promise.all(Array.from({ length: 5 }, () => dial(running)));
    for (const peer of peers) await peer.ask('echo here');
    peers[0]?.send('exit 0\n');
    await Promise.all(peers.map((peer) => peer.over()));
    await running.seen('close', 5);
    expect((await running.all('close')).map(({ reason }) => reason)).toEqual(Array(5).fill('thread-exit'));
    await running.seen('thread-start', 2);
    await using late = await dial(running);
    expect(await late.ask('echo new')).toBe('new');
    await Promise.all([late, ...peers].map((peer) => peer.leave()));
    await running.server.close();
    await descriptorsBack(before);
  });

  it('is seen to be held by one of them, though it was parked, and is replaced', async () => {
    await using running = await startTls(COMMANDS, { threads: 2, handlerTimeout: '500ms' });
    await using peer = await dial(running);
    await peer.ask('echo here');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const sent = performance.now();
    peer.send('spin\n');
    const [held] = await running.seen('thread-overdue');
    // The time before, when it was parked, does not count.
    expect(held?.blockedMs).toBeLessThanOrEqual(Math.ceil(performance.now() - sent));
    expect(held).toMatchObject({ port: peer.localPort });
    await peer.over();
    expect((await running.closeOf(peer)).reason).toBe('handler-timeout');
    await running.seen('thread-start', 3);
  });

  it.each(['message after message', 'pipelined'])(
    'keeps those whose messages compute: they cannot wait elsewhere, %s',
    async (way) => {
      await using running = await startTls(service('busy'), { threads: { min: 2, max: 4 } });
      const peers = await Promise.all([dial(running), dial(running), dial(running)]);
      const lines = Array.from({ length: 8 }, (_, index) => `busy ${30 + index}`);
      const answers = peers.map(async (peer) => {
        if (way === 'pipelined') peer.send(lines.map((line) => `${line}\n`).join(''));
        for (const line of lines) expect(await (way === 'pipelined' ? peer.line() : peer.ask(line))).toBe(line);
      });
      await Promise.all(answers);
      expect(await running.all('close')).toEqual([]);
      await Promise.all(peers.map((peer) => peer.leave()));
    },
  );

  it('uses no CPU while they are silent', async () => {
    await using running = await startTls(COMMANDS);
    const peers = await Promise.all(Array.from({ length: 20 }, () => dial(running)));
    for (const peer of peers) await peer.ask('echo here');
    // What their coming had left to do, such as the compiler's work, ends at some time.
    const used = async (): Promise<void> => {
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1e6).toBeLessThan(0.1);
    };
    await vi.waitFor(used, { timeout: 30_000 });
  });

  it('keeps them through a reload until they leave, while new ones get the new threads', async () => {
    await using running = await startTls(COMMANDS, { threads: 2 });
    await using old = await dial(running);
    await old.ask('echo here');
    await running.server.reload();
    expect(await old.ask('echo still here')).toBe('still here');
    await using fresh = await dial(running);
    expect(await fresh.ask('echo new')).toBe('new');
    await old.leave();
    await vi.waitFor(() => expect(running.server.stats().clients).toBe(1), { timeout: TIMEOUT_MS });
  });
});
