import { join } from 'node:path';
import { Counter } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { askedCases } from './asked-cases.ts';
import { Peer } from './peer.ts';
import { TIMEOUT_MS, noMoves, noTakeOver, noUnix, service, start } from './running.ts';

describe('what a service asks of a client', () => {
  askedCases({ options: {}, resets: true, dial: (running) => running.connect() });

  it.skipIf(noUnix)('has no address at a Unix socket', async () => {
    const unix = join(testFolder(), 'socket');
    await using running = await start(service('asked'), { unix, host: undefined, port: undefined });
    expect(running.server.addresses).toHaveLength(1);
    await using peer = await Peer.connectUnix(unix);
    expect(await peer.ask('local')).toBe('unix 0');
  });

  it.skipIf(noMoves)('the end of its side moves with a client', async () => {
    const heard = new Counter();
    await using running = await start(service('asked'), { shared: { heard } });
    await using peer = await running.connect();
    expect((await peer.send('end\n').take(5)).toString()).toBe('last\n');
    await peer.over();
    await running.server.reload();
    peer.send('count\n');
    await vi.waitFor(() => expect(heard.value).toBe(1), { timeout: TIMEOUT_MS });
    peer.send('too late\n');
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'service-error' });
  });

  it.skipIf(noTakeOver)('the end of its side goes to the next process', async () => {
    const heard = new Counter();
    const takeOver = join(testFolder(), 'next');
    await using old = await start(service('asked'), { takeOver, shared: { heard } });
    await using peer = await old.connect();
    peer.send('end\n');
    await peer.over();
    await using fresh = await start(service('asked'), { takeOver, shared: { heard } });
    await old.server.closed;
    peer.send('count\n');
    await vi.waitFor(() => expect(heard.value).toBe(1), { timeout: TIMEOUT_MS });
    expect(fresh.server.stats().takenOver).toBe(1);
    peer.finish();
    expect(await fresh.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
  });

  it.skipIf(noTakeOver)('the time that it may be idle moves with a client, and goes to the next process', async () => {
    const takeOver = join(testFolder(), 'next');
    await using old = await start(service('asked'), { takeOver, idleTimeout: '1h' });
    const [lasting, other] = await Promise.all([old.connect(), old.connect()]);
    lasting.send('idle never\n');
    for (const peer of [lasting, other]) expect(await peer.ask('local')).toBe(`127.0.0.1 ${old.port}`);
    await old.server.reload();
    await using fresh = await start(service('asked'), { takeOver, idleTimeout: '100ms' });
    await old.server.closed;
    await other.over();
    expect(await fresh.closeOf(other)).toMatchObject({ reason: 'idle-timeout' });
    expect(await lasting.ask('local')).toBe(`127.0.0.1 ${fresh.port}`);
    await lasting.leave();
  });
});
