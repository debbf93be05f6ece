import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { connect } from 'heddle';
import { afterAll, describe, expect, it } from 'vitest';
import { service, start } from '../server/running.ts';
import { Certificates, texts } from './certificates.ts';
import { HEDDLE, run, startHeddle } from './processes.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('server', authority);
const alice = certificates.issue('alice', authority);
const ca = authority.cert;
const ABOUT = service('tls-about');

describe('connect with TLS', () => {
  it('speaks with a server that it trusts, and shows its own certificate', async () => {
    await using running = await start(ABOUT, { tls: { ...tls, ca, requestClientCert: true } });
    await using connection = await connect({ port: running.port, framing: 'line', tls: { ca, ...alice } });
    const reply: unknown = JSON.parse(String(await connection.request('who')));
    expect(reply).toMatchObject({ authorized: true, subject: { O: 'Heddle', CN: 'alice' } });
  });

  it('takes replies that come after it has finished', async () => {
    await using running = await start(service('sized'), { tls });
    await using connection = await connect({ port: running.port, tls: { ca } });
    await connection.send(`${2 ** 20}\n`);
    connection.finish();
    let length = 0;
    for await (const chunk of connection) length += chunk.length;
    expect(length).toBeGreaterThanOrEqual(2 ** 20);
  });

  it.each([
    ['of an unknown authority', true, /its certificate is not signed by an authority that is trusted here/],
    ['with another name', { ca, servername: 'elsewhere' }, /is for another name/],
  ])('refuses a server %s', async (_whom, given, message) => {
    await using running = await start(ABOUT, { tls });
    await expect(connect({ port: running.port, tls: given })).rejects.toMatchObject({
      code: 'HEDDLE_CONNECT',
      message: expect.stringMatching(message),
    });
    expect((await running.seen('close'))[0]).toMatchObject({ reason: 'tls-error' });
  });

  it('takes any server if it is told to', async () => {
    await using running = await start(ABOUT, { tls });
    await using connection = await connect({ port: running.port, framing: 'line', tls: { rejectUnauthorized: false } });
    expect(String(await connection.request('who'))).toBe('{"authorized":false}');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('says that the server wants a certificate, over %s', async (version) => {
    const its = {
      ...texts(tls),
      ca: readFileSync(ca),
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: version,
    };
    const server = createServer(its, (socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const talk = async (): Promise<unknown> => (await connect({ port, tls: { ca } })).request('hello');
    await expect(talk()).rejects.toMatchObject({
      code: version === 'TLSv1.2' ? 'HEDDLE_CONNECT' : 'HEDDLE_CLOSED',
      message: expect.stringMatching(
        / certificate of this client.*give one that it knows with options\.tls\.cert and /i,
      ),
    });
    server.close();
  });

  it('says that the server does not speak TLS', async () => {
    await using running = await start(undefined);
    await expect(connect({ port: running.port, tls: true })).rejects.toMatchObject({
      code: 'HEDDLE_CONNECT',
      message: `Cannot connect to 127.0.0.1:${running.port}: the server does not speak TLS. Leave options.tls out`,
    });
  });

  it.each([
    [{ cert: alice.cert }, 'options.tls must have cert and key, or neither'],
    [{ capath: ca }, 'options.tls has no capath; it has ca, cert, key, servername, rejectUnauthorized'],
    [{ ca: '/nowhere.pem' }, 'options.tls.ca: cannot read /nowhere.pem: there is no such file'],
  ])('refuses %j', async (given, message) => {
    await expect(connect({ tls: given as object })).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION', message });
  });
});

describe('heddle client with TLS', () => {
  it('shows the certificate that --tls-cert and --tls-key name, and says so where one is wanted', async () => {
    const asked = ['--tls-ca', ca, '--tls-request-client-cert'];
    await using server = await startHeddle('--tls-cert', tls.cert, '--tls-key', tls.key, ...asked);
    const client = (...args: string[]) =>
      run(process.execPath, [HEDDLE, 'client', '--port', `${server.port}`, '--tls-ca', ca, ...args], 'one\ntwo\n');
    const pair = ['--tls-cert', alice.cert, '--tls-key', alice.key];
    expect(await client(...pair)).toEqual({ status: 0, stdout: 'eno\nowt\n', stderr: '' });
    expect(await client()).toEqual({
      status: 1,
      stdout: '',
      stderr: `The connection to 127.0.0.1:${server.port} is lost: the server wants a certificate of this client. Give one that it knows with --tls-cert and --tls-key\n`,
    });
    expect(await client('--tls-cert', alice.cert)).toEqual({
      status: 2,
      stdout: '',
      stderr: '--tls-cert needs --tls-key: its private key\n',
    });
  });

  it('verifies the server, by the file that --tls-ca names', async () => {
    await using server = await startHeddle('--tls-cert', tls.cert, '--tls-key', tls.key);
    const client = (...args: string[]) =>
      run(process.execPath, [HEDDLE, 'client', '--port', `${server.port}`, ...args], 'one\ntwo\n');
    expect(await client('--tls-ca', ca)).toMatchObject({ status: 0, stdout: 'eno\nowt\n' });
    const { status, stderr } = await client('--tls');
    expect(status).toBe(1);
    expect(stderr).toMatch(/its certificate is not signed by an authority that is trusted here\..* with --tls-ca$/m);
  });
});
