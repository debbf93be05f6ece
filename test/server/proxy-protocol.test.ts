import { join } from 'node:path';
import { Counter } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { testFolder } from '../support/folder.ts';
import { headerV1, headerV2 } from '../support/proxy-headers.ts';
import { makeGate } from './gate.ts';
import { Peer } from './peer.ts';
import {
  TIMEOUT_MS,
  noMoves,
  noUnix,
  descriptorsBack,
  openDescriptors,
  type Running,
  service,
  start,
} from './running.ts';

const COMMANDS = service('commands');

/** The address of the load balancer; clients without one come from 127.0.0.1. */
const PROXY = '127.0.0.2';

const client = { from: '192.0.2.1', to: '192.0.2.2', fromPort: 56_324, toPort: 443 };
const client6 = { from: '2001:db8::1', to: '2001:db8::2', fromPort: 1, toPort: 443 };
const V1 = headerV1(client);
const V2 = headerV2(client);

/** Starts a server that believes `PROXY`. */
const startBehind = (options: ServeOptions = {}): Promise<Running> =>
  start(COMMANDS, { proxyProtocol: [PROXY], ...options });

const dial = (running: Running): Promise<Peer> => Peer.connect(running.port, PROXY);

/** Resolves when the server has read `count` bytes in all. */
const received = (running: Running, count: number): Promise<void> =>
  vi.waitFor(() => expect(running.server.stats().receivedBytes).toBe(count), { timeout: TIMEOUT_MS, interval: 1 });

describe('behind a load balancer', () => {
  it.each([
    ['version 1', V1, '192.0.2.1 56324'],
    ['version 2', V2, '192.0.2.1 56324'],
    ['version 1 for IPv6', headerV1(client6), '2001:db8::1 1'],
    ['version 2 for IPv6', headerV2(client6), '2001:db8::1 1'],
    ['version 2 with records', headerV2({ ...client, records: Buffer.alloc(4000) }), '192.0.2.1 56324'],
  ])('a client is who the header says: %s', async (_name, header, who) => {
    await using running = await startBehind();
    await using peer = await dial(running);
    peer.send(header);
    expect(await peer.ask('who')).toBe(who);
    const [address, port] = who.split(' ');
    const about = { client: 1, address, port: Number(port) };
    expect(await running.all('open')).toMatchObject([about]);
    peer.finish();
    expect(await running.seen('close')).toMatchObject([{ ...about, reason: 'client-finished' }]);
  });

  it.each([
    ['LOCAL', headerV2({ ...client, command: 0x20 })],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
    ['a Unix socket', headerV2({ family: 0x31, records: Buffer.alloc(216) })],
  ])('the proxy itself is served as it is: %s', async (_name, header) => {
    await using running = await startBehind();
    await using peer = await dial(running);
    peer.send(header);
    expect(await peer.ask('who')).toBe(`${PROXY} ${peer.localPort}`);
    expect(await running.all('open')).toMatchObject([{ address: PROXY, port: peer.localPort }]);
  });

  it('the header may be cut at every byte, and the client is told of when it is whole', async () => {
    await using running = await startBehind();
    for (const header of [V1, V2]) {
      const before = running.server.stats().receivedBytes;
      const peers = await Promise.all(Array.from({ length: header.length - 1 }, () => dial(running)));
      peers.forEach((peer, index) => peer.send(header.subarray(0, index + 1)));
      await received(running, before + (header.length * (header.length - 1)) / 2);
      expect(await running.all('open')).toHaveLength(header === V1 ? 0 : V1.length - 1);
      peers.forEach((peer, index) => peer.send(Buffer.concat([header.subarray(index + 1), Buffer.from('who\n')])));
      for (const peer of peers) expect(await peer.line()).toBe('192.0.2.1 56324');
      await Promise.all(peers.map((peer) => peer.leave()));
    }
    expect(await running.all('open')).toHaveLength(V1.length + V2.length - 2);
    expect(
      (await running.seen('close', V1.length + V2.length - 2)).every((close) => close.address === '192.0.2.1'),
    ).toBe(true);
  });

  it('is greeted when its header was read', async () => {
    const names = ['started', 'stopped', 'opened', 'client-finished', 'proxy-error'];
    const shared = Object.fromEntries(names.map((name) => [name, new Counter()]));
    await using running = await start(service('hooks'), { proxyProtocol: [PROXY], shared });
    await using peer = await dial(running);
    await using wrong = await dial(running);
    peer.send(V2.subarray(0, 20));
    await received(running, 20);
    wrong.send('hello\n');
    await wrong.over();
    expect([shared['opened']?.value, shared['proxy-error']?.value]).toEqual([0, 0]);
    peer.send(V2.subarray(20));
    expect(await peer.line()).toBe('hello 56324');
    expect(shared['opened']?.value).toBe(1);
  });

  it.each([
    ['no header', 'echo hello\n', /^no PROXY header comes first/],
    ['an oversized line', `PROXY UNKNOWN ${'x'.repeat(100)}`, /at most 107 bytes/],
    ['an oversized header', headerV2({ ...client, records: Buffer.alloc(5000) }), /at most 4096 bytes/],
    ['a broken header', 'PROXY TCP4 1.2.3.4 1.2.3.4 x', /not as its format says/],
  ])('is closed with proxy-error, as the proxy’s: %s', async (_name, bytes, detail) => {
    const before = openDescriptors();
    const running = await startBehind();
    const peer = await dial(running);
    peer.send(bytes);
    await peer.over();
    const about = {
      address: PROXY,
      port: peer.localPort,
      reason: 'proxy-error',
      detail: expect.stringMatching(detail),
    };
    expect(await running.seen('close')).toMatchObject([about]);
    expect(await running.all('open')).toEqual([]);
    expect(peer.pieces).toEqual([]);
    expect(running.server.stats()).toMatchObject({ clients: 0, closes: { 'proxy-error': 1 }, messages: 0 });
    await peer.leave();
    await running.server.close();
    await descriptorsBack(before);
  });
});

describe('who is let in behind a load balancer', () => {
  const headerFrom = (from: string, version: typeof headerV1 | typeof headerV2): Buffer =>
    version({ ...client, from, to: from });
  const ADDRESSES = [
    ['version 1', headerV1],
    ['version 2', headerV2],
  ] as const;

  /** Comes from `from`, as the header says, and asks; `out`: it is not served. */
  async function answer(running: Running, header: Buffer): Promise<string> {
    await using peer = await dial(running);
    peer.send(header);
    const text = await peer.ask('echo in').catch(() => 'out');
    if (text === 'out') expect(peer.pieces).toEqual([]);
    return text;
  }

  it.each(ADDRESSES)('allow and deny go by the client, not by the load balancer: %s', async (_name, version) => {
    await using running = await startBehind({ allow: ['203.0.113.0/24', '2001:db8::/32'], deny: ['203.0.113.7'] });
    const from = (address: string): Promise<string> => answer(running, headerFrom(address, version));
    expect(await from('203.0.113.7')).toBe('out');
    expect(await from('198.51.100.1')).toBe('out');
    expect(await from('203.0.113.8')).toBe('in');
    expect(await from('2001:db8::7')).toBe('in');
    const denied = (await running.seen('close', 4)).filter(({ reason }) => reason === 'denied');
    expect(denied.map(({ address }) => address).toSorted()).toEqual(['198.51.100.1', '203.0.113.7']);
    expect((await running.all('open')).map(({ address }) => address)).toEqual(['203.0.113.8', '2001:db8::7']);
    expect(running.server.stats()).toMatchObject({ closes: { denied: 2 }, rejected: { denied: 0 }, clients: 0 });
  });

  it('what a load balancer does for itself is let in unless deny has the load balancer', async () => {
    const own = headerV2({ ...client, command: 0x20 });
    await using allowing = await startBehind({ allow: ['203.0.113.0/24'] });
    expect(await answer(allowing, own)).toBe('in');
    await using denying = await startBehind({ deny: [PROXY] });
    expect([await answer(denying, own), await answer(denying, V1)]).toEqual(['out', 'in']);
  });

  it('others are asked for the address that they come from', async () => {
    await using running = await startBehind({ deny: ['127.0.0.1'] });
    await using peer = await running.connect();
    await peer.over();
    expect(running.server.stats()).toMatchObject({ rejected: { denied: 1 }, accepted: 0 });
  });

  it.each(ADDRESSES)('maxClientsPerAddress counts by the client, on all threads: %s', async (_name, version) => {
    await using running = await startBehind({ maxClientsPerAddress: 3, threads: 2 });
    const come = async (from: string): Promise<Peer> => (await dial(running)).send(headerFrom(from, version));
    for (const from of ['203.0.113.7', '2001:db8::7']) {
      const peers = await Promise.all(Array.from({ length: 8 }, () => come(from)));
      const answers = await Promise.all(peers.map((peer) => peer.ask('echo in').catch(() => 'out')));
      expect(answers.toSorted()).toEqual([...Array(3).fill('in'), ...Array(5).fill('out')]);
      await Promise.all(peers.map((peer) => peer.leave()));
    }
    await running.seen('close', 16);
    expect(running.server.stats()).toMatchObject({ clients: 0, closes: { 'over-limit': 10 } });
    expect(await answer(running, headerFrom('203.0.113.7', version))).toBe('in');
  });

  it('a client counts with those of its address who come without a load balancer', async () => {
    await using running = await startBehind({ maxClientsPerAddress: 1 });
    await using direct = await running.connect();
    expect(await direct.ask('echo in')).toBe('in');
    expect(await answer(running, headerFrom('127.0.0.1', headerV1))).toBe('out');
    expect(await answer(running, headerFrom('127.0.0.9', headerV1))).toBe('in');
  });
});

describe('from anybody else', () => {
  it('a header is not believed: it is what the client sends', async () => {
    await using running = await startBehind();
    await using peer = await running.connect();
    peer.send('who\n');
    expect(await peer.line()).toBe(`127.0.0.1 ${peer.localPort}`);
    await using spoofing = await running.connect();
    spoofing.send(V1);
    expect((await running.closeOf(spoofing)).reason).toBe('service-error');
    const [failure] = await running.all('service-error');
    expect(failure).toMatchObject({ address: '127.0.0.1', port: spoofing.localPort });
  });

  it('nor is it anywhere without the option', async () => {
    await using running = await start(service('echo'));
    for (const header of [V1, V2]) {
      await using peer = await dial(running);
      peer.send(header);
      expect(await peer.take(header.length)).toEqual(header);
      expect((await running.all('open')).at(-1)).toMatchObject({ address: PROXY, port: peer.localPort });
    }
  });
});

describe.skipIf(noUnix)('through a Unix socket', () => {
  const startAt = (proxyProtocol: string): Promise<Running> =>
    start(COMMANDS, { unix: join(testFolder(), 'a.sock'), proxyProtocol });
  const dialUnix = (running: Running): Promise<Peer> => {
    const [, unix] = running.server.addresses;
    return Peer.connectUnix(unix?.family === 'unix' ? unix.path : '');
  };

  it('a header is believed if unix is listed, and then must come', async () => {
    await using running = await startAt('unix');
    await using peer = await dialUnix(running);
    peer.send(V2);
    expect(await peer.ask('who')).toBe('192.0.2.1 56324');
    await using without = await dialUnix(running);
    without.send('who\n');
    await without.over();
    expect(await running.seen('close')).toMatchObject([{ address: 'unix', port: 0, reason: 'proxy-error' }]);
    await using tcp = await running.connect();
    expect(await tcp.ask('who')).toBe(`127.0.0.1 ${tcp.localPort}`);
  });

  it('nobody is believed for any network that is listed', async () => {
    await using running = await startAt('0.0.0.0/0,::/0,::');
    await using peer = await dialUnix(running);
    expect(await peer.ask('who')).toBe('unix 0');
  });
});

describe('half a header', () => {
  it.skipIf(noMoves)('moves from a thread that is blocked, and its client is served elsewhere', async () => {
    const { gate, open, held } = makeGate();
    await using running = await startBehind({ threads: { min: 1, max: 3 }, shared: { gate } });
    await using holder = await running.connect();
    expect(await holder.ask('echo here')).toBe('here');
    const before = running.server.stats().receivedBytes;
    const halves = await Promise.all(Array.from({ length: 20 }, () => dial(running)));
    for (const half of halves) half.send(V2.subarray(0, 13));
    await received(running, before + 20 * 13);
    holder.send('hold\n');
    await held();
    for (const half of halves) half.send(V2.subarray(13));
    for (const half of halves) expect(await half.ask('who')).toBe('192.0.2.1 56324');
    expect(holder.pieces).toEqual([]);
    expect(running.server.stats().moves.blocked).toBeGreaterThan(0);
    open();
    expect(await holder.line()).toBe('held');
    await Promise.all(halves.map((half) => half.leave()));
  });

  it.skipIf(noMoves)('outlives its thread', async () => {
    await using running = await startBehind({ threads: 1 });
    const before = running.server.stats().receivedBytes;
    const halves = await Promise.all(Array.from({ length: 10 }, () => dial(running)));
    halves.forEach((half, index) => half.send(V1.subarray(0, index + 1)));
    await received(running, before + 55);
    await using victim = await running.connect();
    victim.send('exit 0\n');
    await running.seen('thread-exit');
    halves.forEach((half, index) => half.send(V1.subarray(index + 1)));
    for (const half of halves) expect(await half.ask('who')).toBe('192.0.2.1 56324');
    expect(await running.all('close')).toHaveLength(1);
    await Promise.all(halves.map((half) => half.leave()));
  });

  it('is closed with shutdown when the server leaves, a whole one with what followed is answered', async () => {
    await using running = await startBehind();
    await using half = await dial(running);
    await using silent = await dial(running);
    await using whole = await dial(running);
    half.send(V2.subarray(0, 20));
    whole.send(Buffer.concat([V2, Buffer.from('later 100 done\n')]));
    await received(running, 20 + V2.length + 15);
    const drained = running.server.drain();
    expect(String(await whole.rest())).toBe('done\n');
    await Promise.all([half.over(), silent.over(), drained]);
    expect(running.server.stats().closes).toMatchObject({ shutdown: 3 });
  });

  it('must come within messageTimeout, however it drips; a client that has sent it has its own time', async () => {
    await using running = await startBehind({ messageTimeout: 2000 });
    await using silent = await dial(running);
    await using half = await dial(running);
    await using whole = await dial(running);
    half.send(V1.subarray(0, 10));
    whole.send(V1);
    await Promise.all([silent.over(), half.over()]);
    expect((await running.seen('close', 2)).map(({ reason }) => reason)).toEqual([
      'message-timeout',
      'message-timeout',
    ]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await whole.ask('who')).toBe('192.0.2.1 56324');
  });
});
