import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { type Metrics, metricsAt, sumOf } from '../support/metrics-at.ts';
import { type Generation, generation } from '../server/generations.ts';
import { Peer } from '../server/peer.ts';
import { noTakeOver, type Running, service, start, TIMEOUT_MS } from '../server/running.ts';

/** How many clients came, and where they are, as all processes have counted. */
function countsOf(metrics: Metrics) {
  return {
    accepted: metrics.get('heddle_clients_accepted_total'),
    takenOver: metrics.get('heddle_clients_taken_over_total'),
    handedOver: metrics.get('heddle_clients_handed_over_total'),
    clients: metrics.get('heddle_clients'),
    closed: sumOf(metrics, 'heddle_clients_closed_total'),
    messages: metrics.get('heddle_messages_total'),
    responses: metrics.get('heddle_response_seconds_count'),
    generation: metrics.get('heddle_generation'),
    deploys: metrics.get('heddle_deploys_total{kind="take-over",result="success"}'),
    failed: metrics.get('heddle_deploys_total{kind="take-over",result="failure"}'),
    dropped: metrics.get('heddle_deploy_dropped_clients_total{kind="take-over"}'),
  };
}

const NONE = { takenOver: 0, handedOver: 0, closed: 0, generation: 1, deploys: 0, failed: 0, dropped: 0 };

/** Waits until the metrics at `control` are `expected`: the old process may have them a moment longer, and closes are counted out late. */
async function becomes(control: string, expected: object): Promise<void> {
  const check = async (): Promise<void> => expect(countsOf(await metricsAt(control))).toMatchObject(expected);
  await vi.waitFor(check, { timeout: TIMEOUT_MS, interval: 10 });
}

async function opened({ server }: Running): Promise<void> {
  await vi.waitUntil(() => server.controlPath !== undefined, { timeout: TIMEOUT_MS, interval: 5 });
}

describe.skipIf(noTakeOver)('metrics over a take-over', () => {
  it('go on at the same place over two of them, while a client talks: counters are the sum, and no client counts twice', async () => {
    const folder = testFolder();
    const [takeOver, control] = [join(folder, 'next'), join(folder, 'control.sock')];
    const generations: Generation[] = [await generation('1', takeOver, { control })];
    const newest = (): Generation => generations.at(-1) as Generation;
    await opened(newest());
    const peers = await Peer.connectAll(newest().port, 20);
    const over = new AbortController();
    let [messages, most] = [0, 0];
    const talking = (async () => {
      for (; !over.signal.aborted; messages++) {
        await peers[0]?.ask('hello');
        // Between two processes nobody is there to be asked for a moment.
        const metrics = await metricsAt(control).catch(() => undefined);
        most = Math.max(most, metrics?.get('heddle_clients') ?? 0);
      }
    })();
    for (let number = 2; number <= 3; number++) {
      const old = newest();
      generations.push(await generation(`${number}`, takeOver, { control }));
      await old.server.closed;
      await opened(newest());
    }
    over.abort();
    await talking;
    const counts = { ...NONE, accepted: 20, takenOver: 40, handedOver: 40, generation: 3, deploys: 2 };
    await becomes(control, { ...counts, clients: 20, messages, responses: messages });
    expect(most).toBe(20);
    await peers[0]?.leave();
    await newest().seen('close');
    await becomes(control, { ...counts, clients: 19, closed: 1 });
    const [account] = await newest().seen('deploy');
    expect(account).toMatchObject({ kind: 'take-over', clients: 20, moved: 20, stayed: 0, dropped: 0 });
    for (const { server } of generations) await server.close();
  });

  it('are those of both processes while the old one serves its last clients, and then of all it has counted', async () => {
    const folder = testFolder();
    const [takeOver, control] = [join(folder, 'next'), join(folder, 'control.sock')];
    const options = { takeOver, control, shutdownTimeout: '20m' } as const;
    await using old = await start(service('sessions'), options);
    await using peer = await old.connect();
    peer.send('slow\n1\n');
    expect(await peer.line()).toBe('1');
    await using fresh = await start(service('sessions'), options);
    await opened(fresh);
    await using next = await fresh.connect();
    next.send('slow\n1\n');
    expect(await next.line()).toBe('1');
    await becomes(control, { ...NONE, accepted: 2, clients: 2, generation: 2, deploys: 1 });
    const { messages } = countsOf(await metricsAt(control));
    expect(await peer.ask('2')).toBe('2');
    await becomes(control, { messages: (messages ?? 0) + 1 });
    expect(await fresh.all('deploy')).toEqual([]);
    peer.finish();
    await peer.rest();
    await old.server.closed;
    await becomes(control, { ...NONE, accepted: 2, clients: 1, closed: 1, generation: 2, deploys: 1 });
    expect(await fresh.seen('deploy')).toMatchObject([{ clients: 1, moved: 0, stayed: 1, dropped: 0 }]);
  });

  it('count those that the old process has to cut off', async () => {
    const folder = testFolder();
    const [takeOver, control] = [join(folder, 'next'), join(folder, 'control.sock')];
    await using old = await generation('old', takeOver, { control, shutdownTimeout: '200ms' });
    const peers = await Peer.connectAll(old.port, 3);
    peers[0]?.send('later\n'); // Its handler never returns.
    for (const peer of peers.slice(1)) await peer.ask('hello');
    await vi.waitUntil(() => old.server.stats().receivedBytes === 18, { timeout: TIMEOUT_MS, interval: 5 });
    await using fresh = await generation('new', takeOver, { control });
    await old.server.closed;
    expect(await fresh.seen('deploy')).toMatchObject([{ clients: 3, moved: 2, stayed: 0, dropped: 1 }]);
    await opened(fresh);
    await becomes(control, { accepted: 3, takenOver: 2, handedOver: 2, clients: 2, closed: 1, dropped: 1 });
  });
});
