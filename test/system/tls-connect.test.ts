import { connect } from 'heddle';
import { afterAll, describe, expect, it } from 'vitest';
import { service, start } from '../server/running.ts';
import { Certificates } from './certificates.ts';
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
    expect(reply).toEqual({ authorized: true, subject: { O: 'Heddle', CN: 'alice' } });
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
    ['whom nobody vouches for', true, /nobody who is trusted here vouches for its certificate/],
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
  it('verifies the server, by the file that --tls-ca names', async () => {
    await using server = await startHeddle('--tls-cert', tls.cert, '--tls-key', tls.key);
    const client = (...args: string[]) =>
      run(process.execPath, [HEDDLE, 'client', '--port', `${server.port}`, ...args], 'one\ntwo\n');
    expect(await client('--tls-ca', ca)).toMatchObject({ status: 0, stdout: 'eno\nowt\n' });
    const { status, stderr } = await client('--tls');
    expect(status).toBe(1);
    expect(stderr).toMatch(/nobody who is trusted here vouches for its certificate\..* with --tls-ca$/m);
  });
});
