import { describe, expect, it, vi } from 'vitest';
import { TIMEOUT_MS, service, start } from './running.ts';

const SESSIONS = service('sessions');

describe('a session', () => {
  it('receives and sends in its own order, and closes the client when it returns', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    expect(await peer.ask('chat')).toBe('name?');
    expect(await peer.ask('Ann')).toBe('hello Ann');
    expect(await peer.ask('ok')).toBe('last ok');
    peer.send('more\n');
    expect(String(await peer.rest())).toBe('after more\n');
    expect((await running.closeOf(peer)).reason).toBe('server-finished');
    expect(running.server.stats().messages).toBe(4);
  });

  it('gets undefined once the client has shut down its side, each time it asks, and may still send', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    peer.send('chat\nAnn\n').finish();
    expect(String(await peer.rest())).toBe('name?\nhello Ann\nlast undefined\nafter undefined\n');
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
  });

  it('iterates over all messages up to the end, however many come at once', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    const numbers = Array.from({ length: 20_000 }, (_, number) => number);
    peer.send(`sum\n${numbers.join('\n')}\n`).finish();
    expect(String(await peer.rest())).toBe(`sum ${(20_000 * 19_999) / 2}\n`);
    expect(running.server.stats().messages).toBe(20_001);
  });

  it('loses no message that comes while it works', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    peer.send('slow\n1\n2\n');
    expect(await peer.line()).toBe('1');
    peer.send('3\n4\n').finish();
    expect(String(await peer.rest())).toBe('2\n3\n4\nend\n');
  });

  it('may return before the client has said all', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    expect(String(await peer.send('early\nnobody\nreads\nthis\n').rest())).toBe('');
    expect((await running.closeOf(peer)).reason).toBe('server-finished');
  });

  it('may close its client', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    expect(String(await peer.send('close\n').rest())).toBe('bye\n');
    expect((await running.closeOf(peer)).reason).toBe('server-finished');
  });

  it('that throws loses its own client only, after what it has sent, and is reported once', async () => {
    await using running = await start(SESSIONS, { threads: 1 });
    await using bystander = await running.connect();
    expect(await bystander.ask('chat')).toBe('name?');
    await using peer = await running.connect();
    expect(String(await peer.send('throw\n').rest())).toBe('now\n');
    expect((await running.closeOf(peer)).reason).toBe('service-error');
    const errors = (await running.all('service-error')).map(({ error }) => [
      error.message,
      error.stack?.includes('sessions.mjs'),
    ]);
    expect(errors).toEqual([['session failed', true]]);
    expect(await bystander.ask('Bo')).toBe('hello Bo');
  });

  it('is told when it asks for a message while it waits for one', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    expect(await peer.ask('twice')).toMatch(/^receive was called before/);
  });

  it('ends quietly when its client resets while it waits', async () => {
    await using running = await start(SESSIONS, { threads: 1 });
    await using bystander = await running.connect();
    expect(await bystander.ask('chat')).toBe('name?');
    const peer = await running.connect();
    expect(await peer.ask('chat')).toBe('name?');
    peer.reset();
    expect((await running.closeOf(peer)).reason).toBe('client-reset');
    expect(await bystander.ask('Bo')).toBe('hello Bo');
    expect(await running.all('service-error')).toEqual([]);
    expect(await running.all('thread-exit')).toEqual([]);
  });

  it('ends quietly when its client resets while it sends', async () => {
    await using running = await start(SESSIONS);
    const peer = await running.connect();
    expect(await peer.ask('endless')).toMatch(/^line 0 /);
    peer.reset();
    expect((await running.closeOf(peer)).reason).toBe('client-reset');
    expect(await running.all('service-error')).toEqual([]);
    expect(running.server.stats().clients).toBe(0);
  });

  it('waits in send for a client that reads slowly, and all arrives', async () => {
    await using running = await start(SESSIONS);
    await using peer = await running.connect();
    peer.socket.pause();
    peer.send('flood\n');
    // It stops: what the kernel and the high-water mark hold is less than the 16 MB that it has to send.
    const stopped = await vi.waitFor(
      async () => {
        const before = running.server.stats().sentBytes;
        await new Promise((resolve) => setTimeout(resolve, 100));
        const { sentBytes } = running.server.stats();
        expect(sentBytes).toBe(before);
        expect(sentBytes).toBeGreaterThan(0);
        return sentBytes;
      },
      { timeout: TIMEOUT_MS, interval: 1 },
    );
    expect(stopped).toBeLessThan(12 * 1024 * 1024);
    peer.socket.resume();
    const all = await peer.rest();
    expect(all.length).toBe(16 * 1024 * 1024);
    expect(all.every((byte, at) => byte === (at % 16384 === 16383 ? 10 : 120))).toBe(true);
  });

  it('takes bounded memory for a client that never reads', async () => {
    await using running = await start(SESSIONS, { threads: 1 });
    await using peer = await running.connect();
    peer.socket.pause();
    const before = process.memoryUsage.rss();
    peer.send('endless\n');
    await running.seen('open');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(process.memoryUsage.rss() - before).toBeLessThan(60 * 1024 * 1024);
    await using other = await running.connect();
    expect(await other.ask('chat')).toBe('name?');
  });
});
