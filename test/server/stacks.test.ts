import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { Snapshot } from '../../src/admin/control/snapshot.ts';
import { testFolder } from '../support/folder.ts';
import type { Peer } from './peer.ts';
import { type Running, service, start, TIMEOUT_MS } from './running.ts';

/** The lines that each way of the service may be in. */
const LINES: Readonly<Record<string, RegExp>> = {
  first: /^(now ← )?first blocking-lines\.mjs:[45]$/,
  second: /^second blocking-lines\.mjs:(8|10|11)$/,
  third: /^((get )?\w+ ← )?third blocking-lines\.mjs:1[678]$/,
};

/** A service that was built: its lines 2 and 3 are lines 11 and 12 of `report.ts`, as the map in it says. */
function builtService(): URL {
  const file = join(testFolder(), 'built.mjs');
  const map = JSON.stringify({ version: 3, sources: ['report.ts'], names: [], mappings: ';AAUA;AACA' });
  const lines = [
    `import { defineService } from '${new URL('../../dist/index.js', import.meta.url).href}';`,
    'function slowReport(end) { while (Date.now() < end); }',
    "export default defineService({ framing: 'line', message(line) { slowReport(Date.now() + Number(line)); return 'done'; } });",
    `//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString('base64')}`,
  ];
  writeFileSync(file, lines.join('\n'));
  return pathToFileURL(file);
}

function snapshot(running: Running): Promise<Snapshot> {
  const socketPath = running.server.controlPath as string;
  return new Promise((resolve, reject) => {
    const asking = request(
      { socketPath, path: '/v1/snapshot', headers: { host: 'localhost' }, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString()) as Snapshot));
      },
    );
    asking.on('error', reject);
    asking.end();
  });
}

/** Has `peer` block its thread once; the verdict that names the line meanwhile, `undefined`: none did. */
async function namedBlock(running: Running, peer: Peer): Promise<Snapshot['verdict'] | undefined> {
  const state = { isOver: false };
  const reply = peer.ask('first 3000').finally(() => (state.isOver = true));
  let named: Snapshot['verdict'] | undefined;
  while (named === undefined && !state.isOver) {
    const { verdict } = await snapshot(running);
    if (LINES['first']?.test(verdict.blocked[0]?.code ?? '')) named = verdict;
    else await delay(10);
  }
  expect(await reply).toBe('first');
  return named;
}

describe('the code that blocks a thread', () => {
  it('is named by function and line, while the block goes on and when it is over', async () => {
    const control = join(testFolder(), 'control.sock');
    await using running = await start(service('blocking-lines'), { control });
    await using peer = await running.connect();
    // A machine without a CPU to spare may give a sample to the wrong moment: what counts is that blocks are named at all.
    const verdict = await vi.waitUntil(async () => namedBlock(running, peer), { timeout: TIMEOUT_MS, interval: 10 });
    expect(verdict.text).toContain(` in ${verdict.blocked[0]?.code}`);
    const isTurn = ({ code = '' }: { readonly code?: string }): boolean => LINES['first']?.test(code) === true;
    await vi.waitUntil(async () => (await running.all('turn')).some(isTurn), { timeout: TIMEOUT_MS, interval: 10 });
    for (const way of ['second', 'third']) {
      const isNamed = async (): Promise<boolean> => {
        expect(await peer.ask(`${way} 700`)).toBe(way);
        const { codes } = await snapshot(running);
        return codes.some(({ code = '' }) => LINES[way]?.test(code));
      };
      await vi.waitUntil(isNamed, { timeout: TIMEOUT_MS, interval: 10 });
    }
  });

  it('is named in the words of the source where the service was built', async () => {
    const control = join(testFolder(), 'control.sock');
    await using running = await start(builtService(), { control });
    await using peer = await running.connect();
    const isNamed = async (): Promise<boolean> => {
      expect(await peer.ask('300')).toBe('done');
      const { codes } = await snapshot(running);
      // The loop, or its caller: what a thread that was busy elsewhere is seen in first.
      return codes.some(({ code = '' }) => /^(now ← )?(slowReport report\.ts:11|message report\.ts:12)$/.test(code));
    };
    await vi.waitUntil(isNamed, { timeout: TIMEOUT_MS, interval: 10 });
  });

  it('is not looked for where nobody asks', async () => {
    await using running = await start(service('blocking-lines'));
    await using peer = await running.connect();
    expect(await peer.ask('first 1500')).toBe('first');
    const [turn] = await running.seen('turn');
    expect(turn).toMatchObject({ thread: expect.any(Number) });
    expect(turn).not.toHaveProperty('code');
  });

  it('is looked for without a thread that cannot be ended: handlerTimeout holds, again and again', async () => {
    const control = join(testFolder(), 'control.sock');
    await using running = await start(service('blocking-lines'), { control, handlerTimeout: 130 });
    for (let round = 1; round <= 5; round++) {
      const peer = await running.connect();
      peer.send('second 60000\n'); // The sample begins after 100 ms, and takes some 50.
      expect((await running.closeOf(peer)).reason).toBe('handler-timeout');
      await running.seen('thread-exit', round);
    }
    await using peer = await running.connect();
    expect(await peer.ask('first 1')).toBe('first');
    expect(await running.all('thread-lost')).toEqual([]);
  });
});
