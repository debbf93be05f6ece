import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { generation } from '../server/generations.ts';
import { Peer } from '../server/peer.ts';
import { noTakeOver, TIMEOUT_MS } from '../server/running.ts';

/** The metrics that are served at `socketPath`, by name and labels. */
async function metricsAt(socketPath: string): Promise<ReadonlyMap<string, number>> {
  const text = await new Promise<string>((resolve, reject) => {
    const asking = request({ socketPath, path: '/metrics', headers: { host: 'localhost' }, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    asking.on('error', reject).end();
  });
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.replace(/ \S+$/, ''), Number(line.replace(/^.* /, ''))]));
}

/** How many clients came, and where they are, as one process counts. */
function countsOf(metrics: ReadonlyMap<string, number>) {
  const closed = [...metrics].filter(([name]) => name.startsWith('heddle_clients_closed_total'));
  return {
    accepted: metrics.get('heddle_clients_accepted_total'),
    takenOver: metrics.get('heddle_clients_taken_over_total'),
    handedOver: metrics.get('heddle_clients_handed_over_total'),
    clients: metrics.get('heddle_clients'),
    closed: closed.reduce((sum, [, count]) => sum + count, 0),
    messages: metrics.get('heddle_messages_total'),
  };
}

describe.skipIf(noTakeOver)('metrics over a take-over', () => {
  it('are served at the same place, begin anew, and count no client twice', async () => {
    const folder = testFolder();
    const [takeOver, control] = [join(folder, 'next'), join(folder, 'control.sock')];
    await using old = await generation('old', takeOver, { control });
    await vi.waitUntil(() => old.server.controlPath !== undefined, { timeout: TIMEOUT_MS, interval: 5 });
    const peers = await Peer.connectAll(old.port, 20);
    for (const peer of peers) await peer.ask('hello');
    const none = { takenOver: 0, handedOver: 0, closed: 0 };
    expect(countsOf(await metricsAt(control))).toEqual({ ...none, accepted: 20, clients: 20, messages: 20 });
    await using fresh = await generation('new', takeOver, { control });
    await old.server.closed;
    await vi.waitUntil(() => fresh.server.controlPath !== undefined, { timeout: TIMEOUT_MS, interval: 5 });
    await fresh.seen('taken-over');
    expect(old.server.controlPath).toBeUndefined();
    expect(old.server.stats()).toMatchObject({ clients: 0, handedOver: 20 });
    expect(countsOf(await metricsAt(control))).toEqual({
      ...none,
      takenOver: 20,
      accepted: 0,
      clients: 20,
      messages: 0,
    });
    await peers[0]?.leave();
    await fresh.seen('close');
    const counts = { ...none, takenOver: 20, accepted: 0, clients: 19, closed: 1, messages: 0 };
    // The close is reported a moment before the client is counted out.
    const check = async (): Promise<void> => expect(countsOf(await metricsAt(control))).toEqual(counts);
    await vi.waitFor(check, { timeout: TIMEOUT_MS });
  });
});
