import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from 'heddle';
import { describe, expect, it } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { testFolder } from '../support/folder.ts';
import { ENGINE, noTakeOver, start } from './running.ts';

/** Writes a service that answers with its thread's number, and `needs` what it says. */
function needing(needs: string, file = join(testFolder(), 'service.mjs')): string {
  const source = `
    let thread;
    export default { framing: 'line', needs: ${needs}, start: ({ id }) => void (thread = id), message: () => String(thread) };`;
  writeFileSync(file, source);
  return file;
}

async function refusal(file: string, options: ServeOptions): Promise<string> {
  const outcome = await start(file, options).then(
    async ({ server }) => server.close(),
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(HeddleError);
  const { code, message } = outcome as HeddleError;
  expect(code).toBe('HEDDLE_SERVICE_LOAD');
  return message.replace(file, 'FILE');
}

describe('what a service needs', () => {
  it('holds where nobody has asked for something else', async () => {
    await using running = await start(needing("{ threads: 1, maxMessageLength: '2KiB', idleTimeout: 'never' }"), {
      threads: undefined,
      maxMessageLength: undefined,
    });
    expect(running.server.threads).toEqual({ min: 1, max: 1 });
    await using peer = await running.connect();
    expect(await peer.ask('x'.repeat(2000))).toBe('1');
    peer.send(`${'x'.repeat(2049)}\n`);
    await peer.over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'message-too-long' });
  });

  it.each<[string, ServeOptions]>([
    ['{ threads: { min: 1, max: 4 } }', { threads: 2 }],
    ["{ maxMessageLength: '2MiB' }", { maxMessageLength: '3MiB' }],
    ['{ clientsPerThread: 10 }', { clientsPerThread: 1 }],
    ["{ idleTimeout: '5m' }", { idleTimeout: 'never' }],
    ['{ framing: { length: 4 } }', { framing: { length: 4 } }],
    ["{ rate: '5/s' }", { rate: 'none' }],
    [`{ engine: '${ENGINE}' }`, { engine: 'auto' }],
  ])('%s does with %j', async (needs, options) => {
    await using running = await start(needing(needs), options);
    expect(running.server.state).toBe('ready');
    expect(running.server.engine).toBe(ENGINE);
  });

  it.each<[string, ServeOptions, string]>([
    ['{ threads: 1 }', { threads: 2 }, 'it needs threads 1, and options.threads is 2'],
    [
      '{ threads: { min: 4, max: 8 } }',
      { threads: { min: 2, max: 8 } },
      'it needs threads 4..8, and options.threads is 2..8',
    ],
    [
      "{ maxMessageLength: '2MiB' }",
      { maxMessageLength: 1024 },
      'it needs maxMessageLength of at least 2MiB, and options.maxMessageLength is 1KiB',
    ],
    [
      '{ clientsPerThread: 1 }',
      { clientsPerThread: 2 },
      'it needs clientsPerThread of at most 1, and options.clientsPerThread is 2',
    ],
    ["{ idleTimeout: 'never' }", { idleTimeout: '10m' }, 'it needs idleTimeout never, and options.idleTimeout is 10m'],
    ["{ framing: 'line' }", { framing: { length: 2 } }, 'it needs framing line, and options.framing is {"length":2}'],
  ])('%s does not do with %j, which is refused', async (needs, options, why) => {
    expect(await refusal(needing(needs), options)).toBe(
      `Cannot use the service FILE: ${why}: leave that option out, or give it as the service needs it`,
    );
  });

  it.each([
    ['7', 'needs must be an object of options, such as { threads: 1 }, got 7'],
    ['{ port: 80 }', /^it cannot need "port"; it can need threads, clientsPerThread, engine, /],
    [
      "{ idleTimeout: 'soon' }",
      'its needs.idleTimeout must be a duration such as 250ms, 30s or 5m, or never, got "soon"',
    ],
    ['{ framing: { decode() {} } }', 'its needs must be plain data, without functions'],
  ])('%s is no need, and refused', async (needs, why) => {
    const message = (await refusal(needing(needs), {})).replace('Cannot use the service FILE: ', '');
    if (why instanceof RegExp) expect(message).toMatch(why);
    else expect(message).toBe(why);
  });

  it('that new code has changed is told, and the old code goes on', async () => {
    const file = needing('{ threads: 1 }');
    await using running = await start(file, { threads: undefined });
    await using peer = await running.connect();
    await running.server.reload();
    needing('{ threads: 2 }', file);
    await expect(running.server.reload()).rejects.toThrow(
      `Cannot use the service ${file}: what it needs has changed (needs): start the server again`,
    );
    expect(Number(await peer.ask('still'))).toBeGreaterThan(0);
  });

  it('is told before a port that is in use', async () => {
    const file = needing('{ threads: 1 }');
    await using running = await start(file, { threads: undefined });
    const { port } = running;
    expect(await refusal(needing('{ port: 1 }'), { port })).toMatch(
      /^Cannot use the service FILE: it cannot need "port"/,
    );
    await expect(start(file, { port, threads: undefined })).rejects.toMatchObject({ code: 'HEDDLE_LISTEN' });
  });

  it.skipIf(noTakeOver)('holds in a server that takes over from another process', async () => {
    const takeOver = join(testFolder(), 'next');
    const file = needing('{ threads: 1 }');
    await using old = await start(file, { takeOver, threads: undefined });
    await using peer = await old.connect();
    expect(await peer.ask('a')).toBe('1');
    await using fresh = await start(file, { takeOver, threads: undefined });
    await old.server.closed;
    expect(await peer.ask('b')).toBe('1');
    expect(fresh.server.stats().takenOver).toBe(1);
  });
});
