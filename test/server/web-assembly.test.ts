import { describe, expect, it } from 'vitest';
import { service, start } from './running.ts';

const KIB = 1024;

function line(length: number): string {
  return `${'abcd'.repeat(Math.ceil(length / 4)).slice(0, length - 1)}$`;
}

describe('the memory of a thread', () => {
  it.each([1, 5, 63, 20 * KIB, 40 * KIB, 64 * KIB])('has a borrowed message of %d bytes', async (length) => {
    await using running = await start(service('in-memory'));
    await using peer = await running.connect();
    const text = line(length);
    expect(await peer.ask(text)).toBe(`${length} there ${text.slice(0, 4)} ${text.slice(-4)}`);
  });

  it.each([64 * KIB + 1, 300 * KIB])('has none of %d bytes', async (length) => {
    await using running = await start(service('in-memory'));
    await using peer = await running.connect();
    expect(await peer.ask(line(length))).toBe(`${length} elsewhere abcd ${line(length).slice(-4)}`);
  });

  it('has messages that had to wait for their end, or for the one before', async () => {
    await using running = await start(service('in-memory'));
    await using peer = await running.connect();
    peer.send('fir');
    await using other = await running.connect();
    expect(await other.ask('other')).toBe('5 there othe ther');
    peer.send('st\nslow1\nsecond\nslow2\nthi');
    peer.send('rd\n');
    const replies = [
      '5 there firs irst',
      '5 there slow low1',
      '6 there seco cond',
      '5 there slow low2',
      '5 there thir hird',
    ];
    expect(String(await peer.finish().rest())).toBe(`${replies.join('\n')}\n`);
  });

  it('is the same size for every service, and its own on every thread', async () => {
    await using running = await start(service('memories'), { threads: 3 });
    const peers = await Promise.all(Array.from({ length: 30 }, () => running.connect()));
    for (const peer of peers) expect(await peer.ask('x')).toBe(`1048576 fixed own`);
    for (const peer of peers) await peer[Symbol.asyncDispose]();
  });

  it.each(['keeps', 'text', 'own-framing'])('is not for a service that borrows nothing: %s', async (name) => {
    await using running = await start(new URL(`./services/memoryless/${name}.mjs`, import.meta.url));
    await using peer = await running.connect();
    expect(await peer.ask('x')).toBe('x undefined');
  });
});
