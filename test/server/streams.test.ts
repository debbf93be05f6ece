import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { headerV1 } from '../support/proxy-headers.ts';
import { Peer } from './peer.ts';
import { descriptorsBack, ENGINE, openDescriptors, type Running, service, start } from './running.ts';

const STREAMS = service('streams');

/** Connects, and resolves when the service has the client. */
async function meet(running: { connect(): Promise<Peer> }): Promise<Peer> {
  const peer = await running.connect();
  expect(await peer.ask('echo here')).toBe('here');
  return peer;
}

/** A client on another thread than that of `peer`: round-robin passes a thread over that is blocked for a moment. */
async function meetBeside(running: Running, peer: Peer): Promise<Peer> {
  for (;;) {
    const other = await meet(running);
    const opened = await running.all('open');
    const threadOf = ({ localPort }: Peer) => opened.find(({ port }) => port === localPort)?.thread;
    if (threadOf(other) !== threadOf(peer)) return other;
    await other.leave();
  }
}

describe('a stream service', () => {
  it('gets a socket of Node’s with the client’s address', async () => {
    await using running = await start(STREAMS);
    for (const id of [1, 2]) {
      await using peer = await running.connect();
      expect(await peer.ask('kind')).toBe(`true false ${id}`);
      expect(await peer.ask('who')).toBe(`127.0.0.1 ${peer.localPort} IPv4 127.0.0.1 ${peer.localPort}`);
    }
  });

  it.skipIf(ENGINE === 'net')('behind a load balancer, the address is the client’s own', async () => {
    await using running = await start(STREAMS, { proxyProtocol: ['127.0.0.1'] });
    await using peer = await running.connect();
    const from = '2001:db8::7';
    peer.send(headerV1({ from, to: '2001:db8::1', fromPort: 4711, toPort: 1 }));
    expect(await peer.ask('who')).toBe(`${from} 4711 IPv6 ${from} 4711`);
  });

  it('says how long one client may be idle', async () => {
    await using running = await start(STREAMS, { idleTimeout: 'never', messageTimeout: 'never', sendTimeout: 'never' });
    const [idle, other] = [await meet(running), await meet(running)];
    idle.send('idle 50ms\n');
    await idle.over();
    expect(await running.closeOf(idle)).toMatchObject({ reason: 'idle-timeout' });
    expect(await other.ask('echo there')).toBe('there');
    await other.leave();
  });

  it('has its bytes counted, and its clients opened and closed once', async () => {
    const before = openDescriptors();
    const running = await start(STREAMS);
    const peers = await Promise.all(Array.from({ length: 20 }, () => meet(running)));
    for (const peer of peers) peer.finish();
    await Promise.all(peers.map((peer) => peer.rest()));
    const closes = await running.seen('close', 20);
    expect(new Set(closes.map(({ reason }) => reason))).toEqual(new Set(['client-finished']));
    expect(new Set(closes.map(({ client }) => client)).size).toBe(20);
    expect(await running.all('open')).toHaveLength(20);
    expect(running.server.stats()).toMatchObject({
      clients: 0,
      receivedBytes: 20 * 'echo here\n'.length,
      sentBytes: 20 * 'here\n'.length,
      closes: { 'client-finished': 20 },
    });
    await running.server.close();
    await descriptorsBack(before);
  });

  it('says why each connection has ended', async () => {
    await using running = await start(STREAMS, { threads: 1 });
    const ends: Record<string, (peer: Peer) => unknown> = {
      'client-finished': (peer) => peer.finish(),
      'client-reset': (peer) => peer.reset(),
      'server-finished': (peer) => peer.send('end bye\n').rest(),
      'server-finished: ': (peer) => peer.send('destroy\n'),
      'server-finished: it is broken': (peer) => peer.send('fail it is broken\n'),
      'server-finished: after all': (peer) => peer.send('deaf\nfail after all\n'),
    };
    for (const [index, [text, end]] of Object.entries(ends).entries()) {
      const peer = await meet(running);
      await end(peer);
      const close = (await running.seen('close', index + 1))[index];
      const [reason = '', detail = ''] = text.split(': ');
      expect(close).toMatchObject({ client: index + 1, reason });
      if (reason === 'server-finished') expect(close?.detail ?? '').toBe(detail);
      await peer.leave();
    }
    await using last = await meet(running);
    const told = Object.keys(ends).map((text, index) => `${index + 1}:${text.split(':')[0]}`);
    expect(await last.ask('closed')).toBe(told.join(' '));
  });

  it('closes only the client at which it throws', async () => {
    await using running = await start(service('refusing-stream'), { threads: 1 });
    for (const [index, text] of ['open', 'open later', 'stream', 'stream later'].entries()) {
      await using peer = await running.connect();
      expect(String(await peer.rest())).toBe(text.startsWith('stream') ? 'hello\n' : '');
      const errors = await running.seen('service-error', index + 1);
      expect(errors[index]).toMatchObject({ client: index + 1, error: { message: text } });
      expect((await running.seen('close', index + 1))[index]).toMatchObject({ reason: 'service-error' });
    }
    await using fifth = await running.connect();
    expect(await fifth.line()).toBe('hello');
    expect(await running.all('thread-exit')).toEqual([]);
  });

  it('is told when the server drains, and may finish', async () => {
    await using running = await start(STREAMS);
    const peers = await Promise.all(Array.from({ length: 4 }, () => meet(running)));
    for (const peer of peers) peer.send('echo last words\n');
    const drained = running.server.drain();
    for (const peer of peers) expect(String(await peer.rest())).toBe('last words\nleaving\n');
    await drained;
    expect(running.server.stats().closes).toMatchObject({ shutdown: 4 });
  });

  it('is told when new code is loaded, which gets the new clients', async () => {
    await using running = await start(STREAMS);
    const old = await meet(running);
    await running.server.reload();
    await using fresh = await meet(running);
    expect(String(await old.rest())).toBe('leaving\n');
    expect(await fresh.ask('echo still here')).toBe('still here');
  });

  it.each(['crash it is over', 'spin'])('takes only its own clients with it when its thread ends: %s', async (end) => {
    await using running = await start(STREAMS, { placement: 'round-robin', handlerTimeout: 300 });
    const one = await meet(running);
    const other = await meetBeside(running, one);
    one.send(`${end}\n`);
    await one.over();
    expect(await other.ask('echo alive')).toBe('alive');
    expect(await running.closeOf(one)).toMatchObject({ reason: 'thread-exit' });
    await running.seen('thread-start', 3);
    await using next = await meet(running);
    expect(await next.ask('echo again')).toBe('again');
    await other.leave();
  });

  it('names the client that blocks the thread as it comes', async () => {
    await using running = await start(service('blocking-stream'), { threads: 1, handlerTimeout: 300 });
    await using one = await running.connect();
    expect(await one.line()).toBe('hello');
    await using two = await running.connect();
    await two.over();
    const closes = await running.seen('close', 2);
    const reasons = Object.fromEntries(closes.map(({ client, reason }) => [client, reason]));
    expect(reasons).toEqual({ 1: 'thread-exit', 2: 'handler-timeout' });
  });
});

describe('limits of a stream service', () => {
  it('closes a client that is idle, and none that talks', async () => {
    await using running = await start(STREAMS, { threads: 1, idleTimeout: 400 });
    await using talks = await meet(running);
    await using idle = await meet(running);
    const talking = setInterval(() => talks.send('echo on\n'), 50);
    await idle.over();
    expect(await running.closeOf(idle)).toMatchObject({ reason: 'idle-timeout' });
    clearInterval(talking);
    expect(talks.isOver).toBe(false);
  });

  it('closes a client that takes nothing of what waits for it', async () => {
    await using running = await start(STREAMS, { threads: 1, sendTimeout: 300, maxUnsent: '100MiB' });
    await using peer = await meet(running);
    peer.socket.pause();
    peer.send('flood 30\n');
    const [close] = await running.seen('close');
    expect(close).toMatchObject({ reason: 'send-timeout', detail: expect.stringMatching(/^\d+ bytes wait for it/) });
  });

  it('closes the client of a library that writes on, whatever waits (maxUnsent)', async () => {
    await using running = await start(STREAMS, { threads: 1, maxUnsent: '1MiB' });
    await using other = await meet(running);
    await using peer = await meet(running);
    peer.socket.pause();
    peer.send('flood 30\n');
    const detail = 'more than 1048576 bytes wait for it (maxUnsent)';
    expect(await running.seen('close')).toMatchObject([{ reason: 'over-limit', detail }]);
    expect(await other.ask('echo there')).toBe('there');
  });

  it('closes the client for which most waits when it is too much for all (maxMemory)', async () => {
    const options: ServeOptions = { maxUnsent: '1GiB', maxMemory: '16MiB' };
    await using running = await start(STREAMS, { threads: 1, ...options });
    await using other = await meet(running);
    await using peer = await meet(running);
    peer.socket.pause();
    peer.send('flood 40\n');
    expect(await running.seen('close')).toMatchObject([
      { reason: 'over-limit', detail: expect.stringMatching(/\(maxMemory\)$/) },
    ]);
    expect(await other.ask('echo there')).toBe('there');
  });

  it('holds no client to sendTimeout that takes what it is sent', async () => {
    await using running = await start(STREAMS, {
      threads: 1,
      sendTimeout: 2000,
      idleTimeout: 2000,
      maxUnsent: '100MiB',
    });
    await using peer = await meet(running);
    peer.send('flood 20\n');
    for (let taken = 0; taken < 20; taken++) {
      peer.socket.pause();
      await delay(150); // A slow client: it takes longer in all than may pass without a byte.
      peer.socket.resume();
      await peer.take(2 ** 20);
    }
    expect(await peer.ask('echo all')).toBe('all');
    expect(await running.all('close')).toEqual([]);
  });

  it('lets in nobody whom deny has, and no more than there may be', async () => {
    await using running = await start(STREAMS, { deny: ['127.0.0.2'], maxClients: 2, overflow: 'reject' });
    await using denied = await Peer.connect(running.port, '127.0.0.2');
    await denied.over();
    const peers = [await meet(running), await meet(running)];
    await using third = await running.connect();
    await third.over();
    expect(running.server.stats().rejected).toMatchObject({ denied: 1, 'over-limit': 1 });
    for (const peer of peers) await peer.leave();
    await running.seen('close', 2);
    await using next = await vi.waitFor(() => meet(running)); // The place is free a moment after the event.
    expect(await next.ask('echo room')).toBe('room');
  });

  it('counts clients by address until they are gone', async () => {
    await using running = await start(STREAMS, { maxClientsPerAddress: 1 });
    const first = await meet(running);
    await using second = await running.connect();
    await second.over();
    await first.leave();
    await running.seen('close');
    await using third = await vi.waitFor(() => meet(running));
    expect(await third.ask('echo room')).toBe('room');
  });
});

describe('a stream service is refused', () => {
  it.each([
    ['broken/framed-stream', {}, /framed-stream\.mjs: framing is for messages, and a stream function reads its socket/],
    ['broken/stream-and-message', {}, /stream-and-message\.mjs: a service has a message function or a stream function/],
    ['streams', { framing: 'line' }, /streams\.mjs: it has a stream function, .*: leave out the option framing$/],
    ['streams', { rate: '5/s' }, /streams\.mjs: it has a stream function, .*: leave out the option rate$/],
  ] as const)('%s %o', async (name, options, text) => {
    const error = await start(service(name), options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HEDDLE_SERVICE_LOAD', message: expect.stringMatching(text) });
  });
});

it.runIf(ENGINE === 'net')('is refused on the net engine where PROXY headers come', async () => {
  const error = await start(STREAMS, { proxyProtocol: ['127.0.0.1'] }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'HEDDLE_UNSUPPORTED',
    message: expect.stringMatching(/leave out proxyProtocol/),
  });
});

it(`runs on the engine ${ENGINE}`, async () => {
  await using running = await start(STREAMS);
  expect(running.server.engine).toBe(ENGINE);
});
