import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DeployEvent } from '../../../src/log/event.ts';
import { testFolder } from '../../support/folder.ts';
import { Peer } from '../peer.ts';
import { noMoves, service, start } from '../running.ts';

function sums({ clients, dropped, kind, moved, result, stayed, threads }: DeployEvent) {
  return { kind, result, threads, clients, moved, stayed, dropped };
}

const RELOAD = { kind: 'reload', result: 'success', threads: 2 } as const;

describe('a reload', () => {
  it.skipIf(noMoves)('has all clients moved, each counted once, whoever comes and goes meanwhile', async () => {
    await using running = await start(undefined);
    const peers = await Peer.connectAll(running.port, 30);
    for (const peer of peers) await peer.ask('hello');
    await peers.pop()?.leave();
    await running.seen('close');
    await running.server.reload();
    const [deploy] = await running.seen('deploy');
    expect(sums(deploy as DeployEvent)).toEqual({ ...RELOAD, clients: 29, moved: 29, stayed: 0, dropped: 0 });
    await running.server.reload();
    const [, second] = await running.seen('deploy', 2);
    expect(sums(second as DeployEvent)).toEqual({ ...RELOAD, clients: 29, moved: 29, stayed: 0, dropped: 0 });
    for (const peer of peers) expect(await peer.ask('again')).toBe('niaga');
  });

  it('waits for clients that stay, and counts another reload apart', async () => {
    await using running = await start(service('sessions'), { shutdownTimeout: '20m' });
    const peers = await Peer.connectAll(running.port, 3);
    for (const peer of peers) expect(await peer.send('slow\n').ask('1')).toBe('1');
    await running.server.reload();
    const later = await running.connect();
    expect(await later.send('slow\n').ask('1')).toBe('1');
    await running.server.reload();
    expect(await running.all('deploy')).toEqual([]);
    for (const peer of [later, ...peers]) {
      peer.finish();
      await peer.rest();
    }
    const deploys = await running.seen('deploy', 2);
    expect(deploys.map(sums).sort((one, other) => (one.clients ?? 0) - (other.clients ?? 0))).toEqual([
      { ...RELOAD, clients: 1, moved: 0, stayed: 1, dropped: 0 },
      { ...RELOAD, clients: 3, moved: 0, stayed: 3, dropped: 0 },
    ]);
  });

  it('counts whom it has to cut off', async () => {
    await using running = await start(service('sessions'), { shutdownTimeout: '100ms' });
    const peers = await Peer.connectAll(running.port, 2);
    for (const peer of peers) expect(await peer.send('slow\n').ask('1')).toBe('1');
    await running.server.reload();
    const [deploy] = await running.seen('deploy');
    expect(sums(deploy as DeployEvent)).toEqual({ ...RELOAD, clients: 2, moved: 0, stayed: 0, dropped: 2 });
    for (const peer of peers) await peer.over();
  });

  it('that fails is told with the reason, and changes nothing', async () => {
    const file = join(testFolder(), 'service.mjs');
    writeFileSync(file, "export default { framing: 'line', message: (line) => line };");
    await using running = await start(pathToFileURL(file));
    await using peer = await running.connect();
    expect(await peer.ask('hello')).toBe('hello');
    writeFileSync(file, "throw new Error('no such table');");
    await expect(running.server.reload()).rejects.toThrow('no such table');
    expect(await running.seen('deploy')).toMatchObject([
      { kind: 'reload', result: 'failure', detail: expect.stringContaining('no such table') as string },
    ]);
    expect(await peer.ask('again')).toBe('again');
  });
});
