import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectSecure } from 'node:tls';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { Peer } from '../server/peer.ts';
import { TIMEOUT_MS, descriptorsBack, openDescriptors, type Running, service, start } from '../server/running.ts';
import { headerV1, headerV2 } from '../support/proxy-headers.ts';
import { Certificates } from './certificates.ts';
import { ask, Haproxy } from './haproxy.ts';
import { startHeddle } from './processes.ts';
import { connectTls } from './tls-clients.ts';

const COMMANDS = service('commands');
const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);

/** The address of the load balancer; clients without one come from 127.0.0.1. */
const PROXY = '127.0.0.2';

const client = { from: '192.0.2.1', to: '192.0.2.2', fromPort: 56_324, toPort: 443 };
const client6 = { from: '2001:db8::1', to: '2001:db8::2', fromPort: 1, toPort: 443 };
const V1 = headerV1(client);
const V2 = headerV2(client);

/** Starts a server with TLS that believes `PROXY`. */
const startBehind = (options: ServeOptions = {}): Promise<Running> =>
  start(COMMANDS, { tls, proxyProtocol: [PROXY], ...options });

const dial = (running: Running): Promise<Peer> => Peer.connect(running.port, PROXY);

/** Resolves when the server has read `count` bytes in all. */
const received = (running: Running, count: number): Promise<void> =>
  vi.waitFor(() => expect(running.server.stats().receivedBytes).toBe(count), { timeout: TIMEOUT_MS, interval: 1 });

/** Puts `first` in front of what is written first, so that both leave in one piece. */
function glued(raw: Socket, first: Buffer): Duplex {
  let before = first;
  const duplex = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      raw.write(Buffer.concat([before, chunk]), done);
      before = Buffer.alloc(0);
    },
    final: (done) => void raw.end(done),
    destroy(error, done) {
      raw.destroy();
      done(error);
    },
  });
  raw.on('data', (bytes) => duplex.push(bytes));
  raw.on('end', () => duplex.push(null));
  return duplex;
}

/** Shakes hands over a connection of `peer`; `rest`, in the clear, comes in one piece with the first bytes of TLS. */
async function secure(peer: Peer, rest: Buffer): Promise<Peer> {
  peer.socket.removeAllListeners('data').removeAllListeners('end');
  const socket = connectSecure({ socket: glued(peer.socket, rest), servername: 'server', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return new Peer(socket);
}

describe('behind a load balancer that passes TLS on', () => {
  it.each([
    ['version 1', V1, '192.0.2.1 56324'],
    ['version 2', V2, '192.0.2.1 56324'],
    ['version 1 for IPv6', headerV1(client6), '2001:db8::1 1'],
    ['version 2 with records', headerV2({ ...client, records: Buffer.alloc(4000) }), '192.0.2.1 56324'],
  ])('a client is who the header says: %s', async (_name, header, who) => {
    await using running = await startBehind();
    await using peer = await secure(await dial(running), header);
    // No byte of TLS is read with the header: only Node's own reads go on from there.
    expect(running.server.stats().receivedBytes).toBe(header.length);
    expect(await peer.ask('who')).toBe(who);
    const [address, port] = who.split(' ');
    const about = { client: 1, address, port: Number(port) };
    expect(await running.seen('open')).toMatchObject([about]);
    await peer.leave();
    expect(await running.seen('close')).toMatchObject([about]);
    expect(await running.all('open')).toHaveLength(1);
  });

  it('a client that deny has gets no handshake, and the load balancer is not asked', async () => {
    await using running = await startBehind({ deny: ['192.0.2.1'], allow: ['192.0.2.0/24', '2001:db8::/32'] });
    await using denied = await dial(running);
    denied.send(V2);
    await denied.over();
    expect(denied.pieces).toEqual([]);
    expect(await running.seen('close')).toMatchObject([{ address: '192.0.2.1', reason: 'denied' }]);
    const inside = await secure(await dial(running), headerV1(client6));
    expect(await inside.ask('who')).toBe('2001:db8::1 1');
    inside.finish();
  });

  it('the header may be cut at every byte', async () => {
    await using running = await startBehind();
    for (const header of [V1, V2]) {
      const before = running.server.stats().receivedBytes;
      const raw = await Promise.all(Array.from({ length: header.length - 1 }, () => dial(running)));
      raw.forEach((peer, index) => peer.send(header.subarray(0, index + 1)));
      await received(running, before + (header.length * (header.length - 1)) / 2);
      expect(await running.all('open')).toHaveLength(header === V1 ? 0 : V1.length - 1);
      const peers = await Promise.all(raw.map((peer, index) => secure(peer, header.subarray(index + 1))));
      expect(running.server.stats().receivedBytes).toBe(before + header.length * (header.length - 1));
      for (const peer of peers) expect(await peer.ask('who')).toBe('192.0.2.1 56324');
      await Promise.all(peers.map((peer) => peer.leave()));
    }
  });

  it.each([
    ['no header', 'echo hello\n', /^no PROXY header comes first/],
    ['TLS at once', '\x16\x03\x01\x02\x00', /^no PROXY header comes first/],
    ['an oversized line', `PROXY UNKNOWN ${'x'.repeat(100)}`, /at most 107 bytes/],
    ['an oversized header', headerV2({ ...client, records: Buffer.alloc(5000) }), /at most 4096 bytes/],
    ['a broken header', 'PROXY TCP4 1.2.3.4 1.2.3.4 x', /not as its format says/],
  ])('is closed with proxy-error, as the proxy’s: %s', async (_name, bytes, detail) => {
    const before = openDescriptors();
    const running = await startBehind();
    const peer = await dial(running);
    peer.send(bytes);
    await peer.over();
    const about = { address: PROXY, port: peer.localPort, reason: 'proxy-error' };
    expect(await running.seen('close')).toMatchObject([{ ...about, detail: expect.stringMatching(detail) }]);
    expect(await running.all('open')).toEqual([]);
    expect(peer.pieces).toEqual([]);
    expect(running.server.stats().clients).toBe(0);
    expect(running.server.stats().closes['proxy-error']).toBe(1);
    await peer.leave();
    await running.server.close();
    await descriptorsBack(before);
  });

  it('who fails in the handshake after it is named as the client', async () => {
    await using running = await startBehind();
    await using peer = await dial(running);
    peer.send(Buffer.concat([V2, Buffer.from('GARBAGE garbage\r\n\r\n')]));
    await peer.over();
    const about = { address: '192.0.2.1', port: 56_324, reason: 'tls-error', detail: 'what it sent is not TLS' };
    expect(await running.seen('close')).toMatchObject([about]);
  });
});

it('a header from anybody else is not believed: it is no TLS', async () => {
  await using running = await startBehind();
  await using honest = await connectTls(running.port, authority);
  expect(await honest.ask('who')).toBe(`127.0.0.1 ${honest.localPort}`);
  await using spoofing = await running.connect();
  spoofing.send(V1);
  await spoofing.over();
  const about = { address: '127.0.0.1', reason: 'tls-error', detail: 'what it sent is not TLS' };
  expect(await running.closeOf(spoofing)).toMatchObject(about);
});

describe('half a header before TLS', () => {
  it('moves from a thread that is blocked, and its client is served elsewhere', async () => {
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const options: ServeOptions = { tls, proxyProtocol: [PROXY], placement: 'round-robin', shared: { gate } };
    await using running = await start(service('held'), options);
    await using holder = await connectTls(running.port, authority);
    expect(await holder.ask('here')).toBe('here');
    const before = running.server.stats().receivedBytes;
    const halves = await Promise.all(Array.from({ length: 10 }, () => dial(running)));
    for (const half of halves) half.send(V2.subarray(0, 13));
    await received(running, before + 10 * 13);
    holder.send('hold\n');
    await vi.waitFor(() => expect(Atomics.load(gate, 1)).toBe(1), { timeout: TIMEOUT_MS, interval: 1 });
    // Half of them were on the thread that is blocked now, which does not come back before all are served.
    const peers = await Promise.all(halves.map((half) => secure(half, V2.subarray(13))));
    for (const peer of peers) expect(await peer.ask('there')).toBe('there');
    expect(holder.pieces).toEqual([]);
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    expect(await holder.line()).toBe('hold');
    await Promise.all(peers.map((peer) => peer.leave()));
  });

  it('outlives its thread', async () => {
    await using running = await startBehind({ threads: 1 });
    const halves = await Promise.all(Array.from({ length: 5 }, () => dial(running)));
    halves.forEach((half, index) => half.send(V1.subarray(0, index + 1)));
    await received(running, 15);
    await using victim = await connectTls(running.port, authority);
    victim.send('exit 0\n');
    await running.seen('thread-exit');
    const peers = await Promise.all(halves.map((half, index) => secure(half, V1.subarray(index + 1))));
    for (const peer of peers) expect(await peer.ask('who')).toBe('192.0.2.1 56324');
    expect(await running.seen('close')).toHaveLength(1);
    await Promise.all(peers.map((peer) => peer.leave()));
  });

  it('must come within messageTimeout, the handshake after it within tlsHandshakeTimeout', async () => {
    await using running = await startBehind({ messageTimeout: 3000, tlsHandshakeTimeout: 400 });
    await using whole = await dial(running);
    whole.send(V1);
    await using half = await dial(running);
    half.send(V1.subarray(0, 10));
    await using silent = await dial(running);
    await Promise.all([silent.over(), half.over(), whole.over()]);
    const closes = (await running.seen('close', 3)).map((close) => `${close.address} ${close.reason}: ${close.detail}`);
    expect(closes.toSorted((one, other) => one.localeCompare(other))).toEqual([
      `${PROXY} message-timeout: its PROXY header is not complete`,
      `${PROXY} message-timeout: its PROXY header is not complete`,
      '192.0.2.1 tls-error: no handshake within 400ms',
    ]);
  });

  it('is closed with shutdown when the server leaves', async () => {
    const before = openDescriptors();
    const running = await startBehind();
    const half = await dial(running);
    const silent = await dial(running);
    const whole = await secure(await dial(running), V2);
    half.send(V2.subarray(0, 20));
    await received(running, 20 + V2.length);
    whole.send('later 100 done\n');
    await received(running, 20 + V2.length + 15);
    const drained = running.server.drain();
    expect(String(await whole.rest())).toBe('done\n');
    await Promise.all([half.over(), silent.over(), drained]);
    expect(running.server.stats().closes).toMatchObject({ shutdown: 3 });
    await Promise.all([half, silent, whole].map((peer) => peer.leave()));
    await descriptorsBack(before);
  });
});

describe.each(['send-proxy', 'send-proxy-v2'])('behind HAProxy with %s and TLS', (words) => {
  const behind = ['--host', '127.0.0.1', '--proxy-protocol', '127.0.0.1', '--framing', 'line'];
  const secured = [...behind, '--tls-cert', tls.cert, '--tls-key', tls.key];

  it('the log names the client, not the proxy', async () => {
    await using server = await startHeddle(...secured);
    await using proxy = await Haproxy.start(server.port, `${words} ssl verify none`);
    const clients = await Promise.all(['127.0.0.3', '127.0.0.4', '127.0.0.5'].map((from) => proxy.dial(from)));
    for (const socket of clients) {
      expect(await ask(socket, 'hello from client\n')).toBe('tneilc morf olleh\n');
      const who = `${socket.localAddress?.replaceAll('.', '\\.')} : ${socket.localPort}`;
      await server.shows(new RegExp(`^Connected to: ${who}$`, 'm'));
      socket.end();
      await server.shows(new RegExp(`^Bye: ${who}`, 'm'));
    }
  });

  it('its health checks shake hands', async () => {
    await using server = await startHeddle(...secured);
    const checks = ['option log-health-checks'];
    const about = `${words} ssl verify none check inter 5s fall 1 rise 2`;
    await using proxy = await Haproxy.start(server.port, about, checks);
    await proxy.running.shows(/Health check for server front\/heddle succeeded, reason: Layer6 check passed/);
    await vi.waitFor(() => expect(server.stdout.match(/^Bye: /gm)?.length).toBeGreaterThan(1), { timeout: TIMEOUT_MS });
    expect(server.stdout).not.toMatch(/proxy-error/);
    expect(proxy.running.stdout).not.toMatch(/check .*failed/);
  });

  it('TLS from the client’s own end is passed through', async () => {
    await using server = await startHeddle(...secured);
    await using proxy = await Haproxy.start(server.port, words);
    const socket = await proxy.dial('127.0.0.3');
    const about = `127\\.0\\.0\\.3 : ${socket.localPort}`;
    const through = connectSecure({ socket, servername: 'server', rejectUnauthorized: false });
    await once(through, 'secureConnect');
    expect(await ask(through, 'hello from client\n')).toBe('tneilc morf olleh\n');
    await server.shows(new RegExp(`^Connected to: ${about}$`, 'm'));
    through.destroy();
  });
});
