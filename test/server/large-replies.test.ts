import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { TIMEOUT_MS, service, start } from './running.ts';

const MIB = 1024 * 1024;

/** What the service `sized` replies with. */
function pattern(length: number): Buffer {
  const cycle = Buffer.from(Array.from({ length: 251 }, (_, value) => value));
  return Buffer.concat([Buffer.alloc(length, cycle), Buffer.from('\n')]);
}

describe('a large reply', () => {
  it('arrives whole at a client that has shut down its side, and then the end', async () => {
    await using running = await start(service('sized'));
    await using peer = await running.connect();
    const reply = await peer
      .send(`${4 * MIB}\n`)
      .finish()
      .rest();
    expect(reply.equals(pattern(4 * MIB))).toBe(true);
    expect((await running.closeOf(peer)).reason).toBe('client-finished');
    expect(running.server.stats().sentBytes).toBe(4 * MIB + 1);
  });

  it('of 64 MB arrives whole at a client that reads 1 KB at a time', async () => {
    await using running = await start(service('sized'));
    const reader = fileURLToPath(new URL('./small-reads.py', import.meta.url));
    const began = performance.now();
    const child = spawn('python3', [reader, `${running.port}`, `${64 * MIB}\n`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (data) => (output += String(data)));
    const [status] = await once(child, 'close');
    const digest = createHash('sha256')
      .update(pattern(64 * MIB))
      .digest('hex');
    expect(output).toBe(`${64 * MIB + 1} ${digest}\n`);
    expect(status).toBe(0);
    expect(performance.now() - began).toBeLessThan(45_000);
  });

  it('may be longer than maxUnsent, returned or sent by a session, for a client that reads it late', async () => {
    for (const [module, length] of [
      [service('sized'), 6_000_000],
      [service('sized-session'), 6_000_000],
    ] as const) {
      await using running = await start(module, { maxUnsent: '64KiB' });
      await using peer = await running.connect();
      peer.socket.pause();
      peer.send(`${length}\n3\n`);
      await vi.waitUntil(() => running.server.stats().sentBytes > 0, { timeout: TIMEOUT_MS });
      peer.socket.resume();
      const expected = Buffer.concat([pattern(length), pattern(3)]);
      expect((await peer.take(expected.length)).equals(expected)).toBe(true);
      expect(await running.all('close')).toEqual([]);
    }
  });

  it('keeps its order with replies that come after it', async () => {
    await using running = await start(service('sized'));
    await using peer = await running.connect();
    const reply = await peer.send(`3\n${MIB}\n3\n200000\n0\n`).finish().rest();
    const expected = Buffer.concat([3, MIB, 3, 200_000, 0].map(pattern));
    expect(reply.equals(expected)).toBe(true);
  });
});

describe('a client that never reads', () => {
  it('is not read from either, while others are served', async () => {
    await using running = await start(service('sized'), { threads: 1 });
    await using silent = await running.connect();
    silent.socket.pause();
    for (let asked = 0; asked < 2000; asked++) silent.send('100000\n');
    await using other = await running.connect();
    for (let round = 0; round < 20; round++) {
      other.send('100\n');
      expect((await other.take(101)).equals(pattern(100))).toBe(true);
    }
    // 200 MB were asked for: the kernel takes some, the rest is not even made.
    expect(running.server.stats().sentBytes).toBeLessThan(32 * MIB);
    expect(running.server.stats().messages).toBeLessThan(1000);
    const reset = running.closeOf(silent);
    silent.reset();
    expect((await reset).reason).toBe('client-reset');
    expect(running.server.stats().clients).toBe(1);
  });

  it('gets all of it when it reads after all', async () => {
    await using running = await start(service('sized'));
    await using peer = await running.connect();
    peer.socket.pause();
    for (let asked = 0; asked < 200; asked++) peer.send('100000\n');
    peer.finish();
    await using other = await running.connect();
    other.send('5\n');
    await other.take(6);
    peer.socket.resume();
    const all = await peer.rest();
    expect(all.length).toBe(200 * 100_001);
    expect(all.subarray(-100_001).equals(pattern(100_000))).toBe(true);
  });
});
