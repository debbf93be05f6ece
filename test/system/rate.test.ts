import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { makeGate } from '../server/gate.ts';
import { Peer } from '../server/peer.ts';
import { type Running, service, start, TIMEOUT_MS } from '../server/running.ts';
import { testFolder } from '../support/folder.ts';
import { Certificates } from './certificates.ts';
import { startHeddle } from './processes.ts';
import { connectTls } from './tls-clients.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());

/** After its burst a client waits for longer than any test runs. */
const HOURLY = '1/h,burst=2';

function sent(from: number, to: number, word = 'line'): string {
  return Array.from({ length: to - from }, (_, index) => `${word} ${from + index}\n`).join('');
}

async function take(peer: Peer, text: string): Promise<void> {
  expect((await peer.take(text.length)).toString()).toBe(text);
}

/** Resolves when `count` clients have been made to wait. */
async function waits({ server }: Running, count: number): Promise<void> {
  await vi.waitUntil(() => server.stats().rateWaits >= count, { timeout: TIMEOUT_MS, interval: 2 });
}

describe('heddle serve --rate', () => {
  it('answers each client at its rate, and all that has arrived at SIGTERM', async () => {
    await using server = await startHeddle('--framing', 'line', '--bytes', '--rate', '1/h,burst=3');
    const peers = await Peer.connectAll(server.port, 3);
    for (const peer of peers) expect((await peer.send('abc\n'.repeat(9)).take(12)).toString()).toBe('cba\n'.repeat(3));
    server.child.kill('SIGTERM');
    for (const peer of peers) expect((await peer.rest()).toString()).toBe('cba\n'.repeat(6));
    expect(await server.finished()).toMatchObject({ status: 0, stderr: '' });
  });

  it('closes a client with over-rate, and its log says so', async () => {
    await using server = await startHeddle('--framing', 'line', '--rate', '1/h,burst=2,over=close,by=address');
    const peer = new Peer(connect(server.port, '127.0.0.1'));
    peer.send('abc\n'.repeat(5));
    expect((await peer.rest()).toString()).toBe('cba\ncba\n');
    const why = 'clients of its address have sent more than 1/h, and more than 2 at once \\(rate\\)';
    await server.shows(new RegExp(`^Bye: 127\\.0\\.0\\.1 : \\d+ \\(over-rate: ${why}\\)$`, 'm'));
  });
});

describe('a client that waits for its rate', () => {
  it('moves: from a blocked thread, and to new code, with what it has used', async () => {
    const { gate, open, held } = makeGate();
    await using running = await start(service('held'), {
      rate: HOURLY,
      shared: { gate },
      threads: { min: 2, max: 3 },
      placement: 'least-clients',
    });
    const peers = await Peer.connectAll(running.port, 12);
    for (const peer of peers) {
      peer.send(sent(0, 4));
      await take(peer, sent(0, 2));
    }
    await waits(running, 12);
    await using holder = await running.connect();
    holder.send('hold\n');
    await held();
    await vi.waitUntil(() => running.server.stats().moves.blocked > 0, { timeout: TIMEOUT_MS });
    open();
    await running.server.reload();
    await running.clients(13);
    expect(running.server.stats().messages).toBe(25);
    const rest = Promise.all(peers.map(async (peer) => (await peer.rest()).toString()));
    await running.server.drain();
    expect(await rest).toEqual(peers.map(() => sent(2, 4)));
  });

  it('goes to the process that takes over, where its rate starts anew', async () => {
    const options = { framing: 'line', rate: HOURLY, takeOver: join(testFolder(), 'next') } as const;
    await using old = await start(service('echo'), options);
    const peer = await old.connect();
    peer.send(sent(0, 5));
    await take(peer, sent(0, 2));
    await waits(old, 1);
    await using fresh = await start(service('echo'), options);
    await old.server.closed;
    await take(peer, sent(2, 4));
    await waits(fresh, 1);
    await peer.leave();
  });
});

it('a client under TLS waits for its rate, in messages and in a session', async () => {
  const authority = certificates.authority('authority');
  const tls = certificates.issue('server', authority);
  await using lines = await start(service('commands'), { tls, rate: '100/s,burst=2' });
  await using peer = await connectTls(lines.port, authority);
  peer.send(sent(0, 9, 'echo'));
  await take(peer, '0\n1\n2\n3\n4\n5\n6\n7\n8\n');
  expect(lines.server.stats().rateWaits).toBeGreaterThan(0);
  await using sessions = await start(service('sessions'), { tls, rate: HOURLY });
  await using other = await connectTls(sessions.port, authority);
  other.send('sum\n1\n2\n3\n').finish();
  await waits(sessions, 1);
  void sessions.server.drain();
  expect((await other.rest()).toString()).toBe('sum 6\n');
});
