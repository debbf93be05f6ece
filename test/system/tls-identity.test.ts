import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { Peer } from '../server/peer.ts';
import { TIMEOUT_MS, type Running, service, start } from '../server/running.ts';
import { Certificates, type Pair, texts } from './certificates.ts';
import { Running as Process, HEDDLE } from './processes.ts';
import { connectTls } from './tls-clients.ts';

const ECHO = service('echo');
const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);
const alice = certificates.issue('alice', authority);
const mallory = certificates.issue('mallory', authority);

describe('the certificate for a name', () => {
  const exact = certificates.issue('a.example.com', authority);
  const wild = certificates.issue('wild', authority);
  const longer = certificates.issue('longer', authority);
  const pairs = { '*.example.com': wild, 'a.example.com': exact, '*.b.example.com': longer };
  const orders = [pairs, Object.fromEntries(Object.entries(pairs).toReversed())];

  /** Who the server says that it is. */
  async function shownFor(running: Running, servername: string): Promise<string> {
    await using peer = await connectTls(running.port, authority, { servername, checkServerIdentity: () => undefined });
    return (peer.socket as TLSSocket).getPeerCertificate().subject.CN as string;
  }

  it.each(orders)('is the one of the exact name before a wildcard, in any case, whatever their order', async (sni) => {
    await using running = await start(ECHO, { tls: { ...tls, sni } });
    const names = ['a.example.com', 'A.Example.COM', 'z.example.com', 'Z.EXAMPLE.com', 'x.b.example.com'];
    const shown = await Promise.all(names.map((name) => shownFor(running, name)));
    expect(shown).toEqual(['a.example.com', 'a.example.com', 'wild', 'wild', 'longer']);
    const others = ['example.com', 'x.a.example.com', 'aXexample.com', ''];
    expect(await Promise.all(others.map((name) => shownFor(running, name)))).toEqual(Array(4).fill('server'));
  });
});

describe('a client whose certificate was revoked', () => {
  const mutual = { ...tls, ca: authority.cert, requestClientCert: true };
  const list = certificates.revoke(authority, [mallory]);

  const enters = async (running: Running, who: Pair, options = {}): Promise<boolean> => {
    const peer = await connectTls(running.port, authority, { ...texts(who), ...options }).catch(() => undefined);
    return (await peer?.ask('in').catch(() => undefined)) === 'in';
  };

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is refused over %s, others are not', async (version) => {
    await using running = await start(ECHO, { framing: 'line', tls: { ...mutual, crl: list } });
    const options = { minVersion: version, maxVersion: version };
    expect([await enters(running, mallory, options), await enters(running, alice, options)]).toEqual([false, true]);
    expect((await running.seen('close'))[0]).toMatchObject({
      reason: 'tls-error',
      detail: 'its certificate was revoked',
    });
  });

  it('is refused by each list of a file, and for each name', async () => {
    const second = certificates.authority('second');
    const bob = certificates.issue('bob', second);
    const eve = certificates.issue('eve', second);
    const both = readFileSync(list, 'utf8') + readFileSync(certificates.revoke(second, [eve]), 'utf8');
    const ca = readFileSync(authority.cert, 'utf8') + readFileSync(second.cert, 'utf8');
    const other = certificates.issue('other', authority);
    const given = { ...mutual, ca, crl: both, sni: { other } };
    await using running = await start(ECHO, { framing: 'line', tls: given });
    for (const servername of ['server', 'other']) {
      const asked = [mallory, eve, alice, bob].map((who) => enters(running, who, { servername }));
      expect(await Promise.all(asked)).toEqual([false, false, true, true]);
    }
  });

  it.each([
    ['has expired', () => certificates.revoke(authority, [mallory], -1), 'the list in tls.crl has expired'],
    [
      'is of another authority',
      () => certificates.revoke(certificates.authority('third'), []),
      'tls.crl has no list of the authority that issued its certificate',
    ],
  ])('is refused, as all are, where the list %s', async (_name, makeList, detail) => {
    await using running = await start(ECHO, { framing: 'line', tls: { ...mutual, crl: makeList() } });
    expect(await enters(running, alice)).toBe(false);
    expect(await running.seen('close')).toMatchObject([{ reason: 'tls-error', detail }]);
  });

  it('is refused from SIGHUP on, also if it comes with a ticket of before', async () => {
    const crl = join(certificates.folder, 'now.pem');
    copyFileSync(certificates.revoke(authority, []), crl);
    const flags = [
      '--tls-cert',
      tls.cert,
      '--tls-key',
      tls.key,
      '--tls-ca',
      authority.cert,
      '--tls-request-client-cert',
    ];
    const args = [HEDDLE, 'serve', '--port', '0', '--threads', '1', '--framing', 'line', ...flags, '--tls-crl', crl];
    await using server = new Process(process.execPath, args);
    const port = Number((await server.shows(/^Server running on port (\d+)$/m))[1]);
    const first = await connectTls(port, authority, texts(mallory));
    const [session] = (await Promise.all([once(first.socket, 'session'), first.ask('abc')]))[0] as [Buffer];
    await first.leave();
    copyFileSync(list, crl);
    server.child.kill('SIGHUP');
    await server.shows(/^Serving new code on 1 thread$/m);
    const again = await connectTls(port, authority, { ...texts(mallory), session }).catch(() => undefined);
    expect(await again?.ask('abc').catch(() => undefined)).toBeUndefined();
    await server.shows(/^Bye: .* \(tls-error: its certificate was revoked\)$/m);
  });
});

describe('ticket keys', () => {
  /** Comes with `session`; whether the server knew it, and what it says for the next time. */
  async function come(running: Running, session?: Buffer): Promise<{ knows: boolean; next: Buffer }> {
    const options = { maxVersion: 'TLSv1.2', ...(session !== undefined && { session }) } as const;
    await using peer: Peer = await connectTls(running.port, authority, options);
    const socket = peer.socket as TLSSocket;
    return { knows: socket.isSessionReused(), next: socket.getSession() as Buffer };
  }

  it('change each day, on all threads at once, those that start later too', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const options: ServeOptions = { tls, threads: 2, placement: 'round-robin', framing: 'line' };
    await using running = await start(service('commands'), options);
    const { next: old } = await come(running);
    expect([await come(running, old), await come(running, old)]).toMatchObject([{ knows: true }, { knows: true }]);
    vi.advanceTimersByTime(23 * 3_600_000);
    expect([await come(running, old), await come(running, old)]).toMatchObject([{ knows: true }, { knows: true }]);
    vi.advanceTimersByTime(3_600_000);
    await vi.waitFor(
      async () =>
        expect([await come(running, old), await come(running, old)]).toMatchObject([
          { knows: false },
          { knows: false },
        ]),
      { timeout: TIMEOUT_MS },
    );
    const { next } = await come(running);
    await using victim = await connectTls(running.port, authority);
    victim.send('exit 0\n');
    await running.seen('thread-start', 3);
    const visits = [await come(running, next), await come(running, next), await come(running, next)];
    expect(visits.map(({ knows }) => knows)).toEqual([true, true, true]);
  });
});
