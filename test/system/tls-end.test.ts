/** How TLS ends: by the client's own word, or because somebody has cut the connection below it. */
import { once } from 'node:events';
import { type AddressInfo, connect as connectRaw, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectSecure, createServer as createSecure, type SecureVersion } from 'node:tls';
import { connect } from 'heddle';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { FramingSpec } from '../../src/framing/framing.ts';
import { TIMEOUT_MS, type Running, service, start } from '../server/running.ts';
import { Certificates, texts } from './certificates.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

/** What the client's TLS writes goes through here on its way to the socket, and stays once it is blocked. */
class Wire extends Duplex {
  readonly socket: Socket;
  held: Buffer[] | undefined;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on('data', (bytes) => this.push(bytes)).on('end', () => this.push(null));
    socket.on('error', () => {});
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: unknown, done: () => void): void {
    if (this.held === undefined) this.socket.write(bytes, done);
    else {
      this.held.push(bytes);
      done();
    }
  }
}

/** Sends `text`, ends, and cuts off what was to be sent as `cut` says. Resolves with how the server saw it, and what it sent. */
async function end(running: Running, version: SecureVersion, text: string, cut: 'nothing' | 'alert' | number) {
  const socket = connectRaw({ port: running.port, host: '127.0.0.1', allowHalfOpen: true });
  const wire = new Wire(socket);
  const secure = connectSecure({ socket: wire, rejectUnauthorized: false, minVersion: version, maxVersion: version });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  const { localPort } = socket;
  let received = '';
  secure.on('data', (bytes) => (received += String(bytes)));
  wire.held = [];
  secure.write(text);
  await vi.waitUntil(() => (wire.held?.length ?? 0) > 0);
  const without = Buffer.concat(wire.held);
  secure.end();
  await vi.waitUntil(() => Buffer.concat(wire.held ?? []).length > without.length);
  const whole = Buffer.concat(wire.held);
  if (cut === 'nothing') socket.end(whole);
  else socket.end(cut === 'alert' ? without : whole.subarray(0, whole.length - cut));
  const find = async () =>
    (await running.all('close')).find(({ port }) => port === localPort) ?? Promise.reject(new Error('still open'));
  const { reason, detail } = await vi.waitFor(find, { timeout: TIMEOUT_MS });
  await vi.waitUntil(() => socket.closed || socket.readableEnded, { timeout: TIMEOUT_MS });
  socket.destroy();
  return { reason, detail, received };
}

/** Ends in order right after the handshake, and is gone when the server's session tickets come: its kernel resets. */
async function leaveAtOnce(running: Running): Promise<string> {
  const socket = connectRaw({ port: running.port, host: '127.0.0.1', allowHalfOpen: true });
  const wire = new Wire(socket);
  const secure = connectSecure({ socket: wire, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  const { localPort } = socket;
  secure.end(() => socket.destroySoon());
  const find = async () =>
    (await running.all('close')).find(({ port }) => port === localPort) ?? Promise.reject(new Error('still open'));
  return (await vi.waitFor(find, { timeout: TIMEOUT_MS })).reason;
}

describe('a client that ends right after the handshake', () => {
  it('is closed soon, whatever it has not read', async () => {
    await using running = await start(service('echo'), { tls, framing: 'line', sendTimeout: '1h' });
    for (let round = 0; round < 20; round++) expect(await leaveAtOnce(running)).toBe('client-finished');
  });
});

describe.each(VERSIONS)('a client whose last message only its end completes, over %s', (version) => {
  const framings: [FramingSpec, number][] = [
    ['end', 0],
    ['line', 1],
    [{ delimiter: '\n', atEnd: 'message' }, 1],
  ];

  it.each(framings)('is served when TLS says that this was the end: framing %j', async (framing, lines) => {
    await using running = await start(service('echo'), { tls, framing });
    const text = lines > 0 ? 'one\nDELETE' : 'DELETE';
    expect(await end(running, version, text, 'nothing')).toMatchObject({ reason: 'client-finished' });
    expect(running.server.stats().messages).toBe(lines + 1);
  });

  it.each(framings)(
    'is closed with tls-error, and no part is served, when it is cut off: framing %j',
    async (framing, lines) => {
      await using running = await start(service('echo'), { tls, framing });
      const text = lines > 0 ? 'one\nDELETE' : 'DELETE';
      for (const [index, cut] of (['alert', 3, 1] as const).entries()) {
        expect(await end(running, version, text, cut)).toMatchObject({
          reason: 'tls-error',
          detail: 'it ended without close_notify: its last message may be a part of one',
        });
        expect(running.server.stats().messages).toBe(lines * (index + 1));
      }
    },
  );

  it('is closed as ever when nothing is left over, or the framing takes it for an error anyway', async () => {
    await using running = await start(service('echo'), { tls, framing: 'line' });
    expect(await end(running, version, 'one\n', 'alert')).toMatchObject({ reason: 'client-finished' });
    await using strict = await start(service('echo'), { tls, framing: { line: 'lf', atEnd: 'refuse' } });
    expect(await end(strict, version, 'one\ntwo', 'alert')).toMatchObject({ reason: 'bad-frame' });
    await using chunks = await start(service('echo'), { tls, framing: 'chunk' });
    expect(await end(chunks, version, 'one', 'alert')).toMatchObject({ reason: 'client-finished' });
    expect(chunks.server.stats().messages).toBe(1);
  });

  it('does not end a session as if it had finished', async () => {
    await using running = await start(service('sessions'), { tls });
    expect(await end(running, version, 'sum\n1\n2\n30', 'nothing')).toMatchObject({
      reason: 'client-finished',
      received: 'sum 33\n',
    });
    expect(await end(running, version, 'sum\n1\n2\n30', 'alert')).toMatchObject({ reason: 'tls-error', received: '' });
  });
});

describe.each(VERSIONS)('connect() over %s', (version) => {
  /** A server that answers with half a message and ends: TLS, or only the socket below it. */
  async function half(cut: boolean) {
    const secure = createSecure({ ...texts(tls), maxVersion: version });
    const raw = createServer((socket) => {
      socket.on('error', () => {});
      secure.once('secureConnection', (client) => {
        client.on('error', () => {});
        client.once('data', () => {
          if (!cut) client.end('half');
          else client.write('half', () => socket.end());
        });
      });
      secure.emit('connection', socket);
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const options = { port: (raw.address() as AddressInfo).port, tls: { rejectUnauthorized: false } };
    return { options, [Symbol.dispose]: () => void raw.close() };
  }

  it.each(['end', { line: 'lf', atEnd: 'message' }] as const)(
    'takes no part of a reply for the whole: framing %j',
    async (framing) => {
      using whole = await half(false);
      await using connection = await connect({ ...whole.options, framing });
      await connection.send('x');
      expect(String(await connection.receive())).toBe('half');
      using cut = await half(true);
      await using other = await connect({ ...cut.options, framing });
      await other.send('x');
      await expect(other.receive()).rejects.toMatchObject({
        code: 'HEDDLE_CLOSED',
        message: expect.stringMatching(/ended without close_notify: the last message may be a part of one$/),
      });
    },
  );
});
