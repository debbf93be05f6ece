import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { descriptorsBack, openDescriptors, service, start } from '../server/running.ts';

const LINES = service('large');
const SESSIONS = service('sessions');

describe('a client that takes too long', () => {
  it('is closed when no byte came or went for idleTimeout, idle and in a session', async () => {
    for (const module of [LINES, SESSIONS]) {
      await using running = await start(module, { idleTimeout: 200 });
      const [silent, spoken] = [await running.connect(), await running.connect()];
      spoken.send('sum\n');
      await Promise.all([silent.over(), spoken.over()]);
      const closes = await running.seen('close', 2);
      expect(closes.map(({ reason }) => reason)).toEqual(['idle-timeout', 'idle-timeout']);
      expect(running.server.stats().closes['idle-timeout']).toBe(2);
    }
  });

  it('is answered however long its handler or session works, and is idle from then on', async () => {
    for (const module of [service('slow-lines'), SESSIONS]) {
      await using running = await start(module, { idleTimeout: 300 });
      const peer = await running.connect();
      peer.send(module === SESSIONS ? 'work\n900\n' : '900\n');
      expect(await peer.line()).toBe('900');
      expect((await running.closeOf(peer)).reason).toBe('idle-timeout');
    }
  });

  it('stays as long as something comes now and then', async () => {
    await using running = await start(LINES, { idleTimeout: 3000 });
    const peer = await running.connect();
    const end = performance.now() + 4500;
    while (performance.now() < end) {
      expect(await peer.ask('still here')).toBe('still here');
      await delay(100);
    }
    expect(await running.all('close')).toEqual([]);
  });

  it('is closed when its message is not complete within messageTimeout, however its bytes drip', async () => {
    await using running = await start(LINES, { messageTimeout: 300 });
    const peer = await running.connect();
    const dripping = setInterval(() => peer.send('x'), 30);
    try {
      expect((await running.closeOf(peer)).reason).toBe('message-timeout');
    } finally {
      clearInterval(dripping);
    }
  });

  it('may take as long as it likes from one message to the next', async () => {
    await using running = await start(LINES, { messageTimeout: 3000 });
    const peer = await running.connect();
    // The beginning of the next message comes with the end of each, so there is always one that is not complete.
    peer.send('a');
    const end = performance.now() + 4500;
    while (performance.now() < end) {
      peer.send('b\na');
      expect(await peer.line()).toBe('ab');
      await delay(20);
    }
    expect(await running.all('close')).toEqual([]);
  });

  it('is not closed while a handler makes it wait', async () => {
    await using running = await start(service('slow-lines'), { messageTimeout: 100, sendTimeout: 100 });
    const peer = await running.connect();
    peer.send('600\n1\nbegun');
    expect(await peer.line()).toBe('600');
    expect(await peer.line()).toBe('1');
    expect((await running.closeOf(peer)).reason).toBe('message-timeout');
  });
});

describe('a client that does not read', () => {
  const reply = { shared: { size: 16 * 2 ** 20 } };

  it('is closed when it has read nothing for sendTimeout', async () => {
    await using running = await start(service('large'), { ...reply, sendTimeout: 300 });
    const peer = await running.connect();
    peer.socket.pause();
    peer.send('more\n');
    expect((await running.closeOf(peer)).reason).toBe('send-timeout');
  });

  it('stays as long as it reads a little now and then, and gets every byte', async () => {
    await using running = await start(service('large'), { ...reply, sendTimeout: 3000 });
    const peer = await running.connect();
    peer.socket.pause();
    peer.send('more\n');
    const end = performance.now() + 4500;
    while (performance.now() < end) {
      peer.socket.resume();
      await delay(5);
      peer.socket.pause();
      await delay(100);
    }
    peer.socket.resume();
    expect(await peer.take(reply.shared.size + 1)).toHaveLength(reply.shared.size + 1);
    expect(await running.all('close')).toEqual([]);
  });

  it('is closed at once when a service sends without waiting, and more than maxUnsent piles up', async () => {
    await using running = await start(service('large'), { ...reply, maxUnsent: '1MiB' });
    const [glutton, bystander] = [await running.connect(), await running.connect()];
    glutton.socket.pause();
    glutton.send('push\n');
    const close = await running.closeOf(glutton);
    expect(close).toMatchObject({ reason: 'over-limit', detail: expect.stringContaining('maxUnsent') });
    expect(await bystander.ask('small')).toBe('small');
  });

  it('leaves no fd behind', async () => {
    const before = openDescriptors();
    {
      await using running = await start(service('large'), { ...reply, sendTimeout: 100 });
      const withServer = openDescriptors();
      const peers = await Promise.all(Array.from({ length: 5 }, () => running.connect()));
      for (const peer of peers) {
        peer.socket.pause();
        peer.send('more\n');
      }
      await running.seen('close', 5);
      for (const peer of peers) await peer.leave();
      await descriptorsBack(withServer);
    }
    await descriptorsBack(before);
  });
});
