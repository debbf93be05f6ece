import { describe, expect, it } from 'vitest';
import { parseServeOptions } from '../../src/options/serve-options.ts';
import { limitsIn, quarterOf, withMemoryLimits } from '../../src/server/memory-limit.ts';
import { service, start } from './running.ts';

const MIB = 2 ** 20;

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max data size             4194304              8388608              bytes
Max stack size            8388608              unlimited            bytes
Max address space         unlimited            unlimited            bytes
`;

describe('maxMemory', () => {
  it('is by default a quarter of the least that bounds the process', () => {
    expect(quarterOf([16 * MIB, 8 * MIB])).toBe(2 * MIB);
    expect(quarterOf([16 * MIB, undefined, 0, Infinity])).toBe(4 * MIB);
    expect(quarterOf([MIB])).toBe(MIB);
    expect(limitsIn(LIMITS)).toEqual([4_194_304]);
  });

  it('is what was given', () => {
    expect(withMemoryLimits(parseServeOptions({ maxMemory: '64MiB' })).maxMemory).toBe(64 * MIB);
    expect(withMemoryLimits(parseServeOptions({})).maxMemory).toBeGreaterThan(MIB);
  });

  it('has the client closed for which most of a message is kept, and leaves the others', async () => {
    const options = { framing: 'line', maxMessageLength: '64MiB', maxMemory: '16MiB' } as const;
    await using running = await start(service('echo'), options);
    const small = await Promise.all(Array.from({ length: 8 }, () => running.connect()));
    for (const peer of small) peer.send('x'.repeat(100_000));
    const large = await running.connect();
    large.socket.write(Buffer.alloc(40 * MIB, 'x'));
    expect(await running.closeOf(large)).toMatchObject({
      reason: 'over-limit',
      detail: expect.stringContaining('maxMemory'),
    });
    for (const peer of small) expect(await peer.ask('end')).toBe(`${'x'.repeat(100_000)}end`);
    await Promise.all([large, ...small].map((peer) => peer.leave()));
  });

  it('has the client closed for which most waits to be sent', async () => {
    const shared = { size: 24 * MIB };
    await using running = await start(service('large'), { shared, maxUnsent: '64MiB', maxMemory: '16MiB' });
    const [reader, sleeper] = [await running.connect(), await running.connect()];
    sleeper.socket.pause();
    sleeper.send('more\n');
    expect((await running.closeOf(sleeper)).reason).toBe('over-limit');
    expect(await reader.ask('hello')).toBe('hello');
    await Promise.all([reader, sleeper].map((peer) => peer.leave()));
  });
});
