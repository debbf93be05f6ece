import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';
import { Counter } from 'heddle';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { TIMEOUT_MS, descriptorsBack, openDescriptors, type Running, service, start } from '../server/running.ts';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { Certificates, texts } from './certificates.ts';
import { connectTls } from './tls-clients.ts';

const HOOKS = service('hooks');
const ABOUT = service('tls-about');
const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const stranger = certificates.authority('stranger');
const tls = certificates.issue('server', authority);
const other = certificates.issue('other', authority);
const mutual = { ...tls, ca: authority.cert, requestClientCert: true };

/** Opens `count` connections that say `bytes` and nothing more. */
async function talkers(port: number, count: number, bytes: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  for (const socket of sockets) if (bytes !== '') socket.write(bytes);
  for (const socket of sockets) socket.resume();
  return sockets;
}

/** Dials with TLS and waits for the server to end it. */
async function refused(port: number, options: ConnectionOptions): Promise<void> {
  const socket = connectSecure({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  socket.on('error', () => {}).resume();
  await new Promise((resolve) => socket.on('close', resolve));
}

/** Starts a service that counts the clients it has seen come and go. */
async function startCounting(options: ServeOptions): Promise<{ running: Running; seen: () => number }> {
  const names = ['started', 'stopped', 'opened', 'tls-error'];
  const shared = Object.fromEntries(names.map((name) => [name, new Counter()]));
  const running = await start(HOOKS, { shared, ...options });
  return { running, seen: () => (shared['opened']?.value ?? 0) + (shared['tls-error']?.value ?? 0) };
}

describe('a client that does not come through the handshake', () => {
  const newest = { minVersion: 'TLSv1.3' } as const;
  const CASES: [who: string, detail: string, options: ConnectionOptions, server: ServeOptions['tls']][] = [
    [
      'speaks TLS 1.1',
      'it speaks no TLS of version 1.2 or newer',
      { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      tls,
    ],
    ['shows no certificate', 'it showed no certificate', {}, mutual],
    ['shows none, over TLS 1.3', 'it showed no certificate', newest, mutual],
    [
      'shows one of an unknown authority',
      'its certificate is not signed by an authority in tls.ca',
      texts(certificates.issue('eve', stranger)),
      mutual,
    ],
    [
      'shows one that has expired',
      'its certificate has expired',
      { ...texts(certificates.issue('old', authority, -1)), ...newest },
      mutual,
    ],
    [
      'speaks no protocol of the server’s',
      'it speaks none of the protocols of tls.alpn',
      { ALPNProtocols: ['b'] },
      { ...tls, alpn: ['a'] },
    ],
  ];

  it.each(CASES)('because it %s is closed with tls-error: %s', async (_who, detail, options, server) => {
    const before = openDescriptors();
    const { running, seen } = await startCounting({ tls: server });
    await refused(running.port, options);
    const [close] = await running.seen('close');
    expect(close).toMatchObject({ reason: 'tls-error', detail });
    expect(seen()).toBe(0);
    expect(running.server.stats().clients).toBe(0);
    await running.server.close();
    await descriptorsBack(before);
  });

  it.each([
    ['says nothing', '', '500ms', 'no handshake within 500ms'],
    ['says what is not TLS', 'GARBAGE garbage\r\n\r\n', '1h', 'what it sent is not TLS'],
    ['stops in the middle', '\x16\x03\x01\x02\x00\x01\x00', '500ms', 'no handshake within 500ms'],
  ] as const)('because it %s is really closed, fifty of them too', async (_who, bytes, tlsHandshakeTimeout, detail) => {
    const { running, seen } = await startCounting({ tls, tlsHandshakeTimeout });
    const before = openDescriptors();
    const sockets = await talkers(running.port, 50, bytes);
    await running.seen('close', 50);
    expect((await running.all('close')).map((close) => [close.reason, close.detail])).toEqual(
      Array.from({ length: 50 }, () => ['tls-error', detail]),
    );
    for (const socket of sockets) socket.destroy();
    await descriptorsBack(before);
    await vi.waitFor(() => expect(running.server.stats().clients).toBe(0), { timeout: TIMEOUT_MS });
    expect(running.server.stats().closes['tls-error']).toBe(50);
    expect(seen()).toBe(0);
    await running.server.close();
  });

  it.each([
    ['shuts down its side', (socket: Socket) => void socket.end()],
    ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
  ])('because it %s is closed then, not at the timeout', async (_what, leave) => {
    await using running = await start(ABOUT, { tls, tlsHandshakeTimeout: '1h' });
    const sockets = await talkers(running.port, 20, '');
    await running.seen('open', 20); // Who resets before that has not come, to the net engine.
    for (const socket of sockets) leave(socket);
    await running.seen('close', 20);
    const details = new Set((await running.all('close')).map(({ detail }) => detail));
    expect(details).toEqual(new Set(['it left before the handshake was done']));
  });

  it('because it drips is closed all the same', async () => {
    await using running = await start(ABOUT, { tls, tlsHandshakeTimeout: '500ms' });
    const [socket] = await talkers(running.port, 1, '\x16\x03\x01\x02');
    const dripping = setInterval(() => socket?.write('\0'), 50);
    const [close] = await running.seen('close');
    clearInterval(dripping);
    expect(close).toMatchObject({ reason: 'tls-error', detail: 'no handshake within 500ms' });
  });
});

describe('client.tls', () => {
  it('is undefined without TLS', async () => {
    await using running = await start(ABOUT);
    await using peer = await running.connect();
    expect(await peer.ask('who')).toBe('null');
  });

  it('says that nothing is known of a client that has shown nothing', async () => {
    await using running = await start(ABOUT, { tls });
    await using peer = await connectTls(running.port, authority, {
      servername: '',
      checkServerIdentity: () => undefined,
    });
    expect(JSON.parse(await peer.ask('who'))).toEqual({ authorized: false });
  });

  it('says what was agreed on, and who the client is', async () => {
    await using running = await start(ABOUT, { tls: { ...mutual, alpn: ['echo/2', 'echo/1'] } });
    const alice = texts(certificates.issue('alice', authority));
    await using peer = await connectTls(running.port, authority, { ...alice, ALPNProtocols: ['echo/1'] });
    expect(JSON.parse(await peer.ask('who'))).toEqual({
      authorized: true,
      alpnProtocol: 'echo/1',
      servername: 'server',
      subject: { O: 'Heddle', CN: 'alice' },
      fingerprint256: new X509Certificate(alice.cert).fingerprint256,
      serialNumber: new X509Certificate(alice.cert).serialNumber,
    });
  });
});

it('a client that asks for another name is shown the certificate of that name', async () => {
  await using running = await start(ABOUT, { tls: { ...tls, sni: { other } } });
  await using peer = await connectTls(running.port, authority, { servername: 'other' });
  expect(JSON.parse(await peer.ask('who'))).toMatchObject({ servername: 'other' });
  await using first = await connectTls(running.port, authority);
  expect(JSON.parse(await first.ask('who'))).toMatchObject({ servername: 'server' });
});
