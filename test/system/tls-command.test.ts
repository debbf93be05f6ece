import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Certificates } from './certificates.ts';
import { HEDDLE, here, run, Running, startHeddle } from './processes.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const server = certificates.issue('server', authority);
const alice = certificates.issue('alice', authority);
const FLAGS = ['--tls-cert', server.cert, '--tls-key', server.key];

function secureClient(port: number, args: readonly string[]): Running {
  const about = ['-connect', `127.0.0.1:${port}`, '-servername', 'server', '-CAfile', authority.cert];
  return new Running('openssl', ['s_client', '-quiet', '-verify_return_error', ...about, ...args]);
}

/** Says `hello` and resolves with the first line that comes back. */
async function greet(port: number, ...args: string[]): Promise<string | undefined> {
  await using client = secureClient(port, args);
  client.child.stdin?.write('hello\n');
  return (await client.shows(/^.*\n/))[0];
}

describe('heddle serve with TLS', () => {
  it.each(['-tls1_2', '-tls1_3'])('answers openssl s_client %s', async (version) => {
    await using running = await startHeddle(...FLAGS);
    expect(running.stdout).toMatch(/on 2 threads, over TLS\n/);
    expect(await greet(running.port, version)).toBe('olleh\n');
  });

  it('answers a client in Python', async () => {
    await using running = await startHeddle(...FLAGS);
    const args = [here('tls-client.py'), `${running.port}`, authority.cert, 'hello', 'née'];
    const { stdout } = await run('python3', args);
    expect(stdout).toBe('TLSv1.3 olleh\nTLSv1.3 eén\ndone\n');
  });

  it('says in one line each what it has against clients that it refuses', async () => {
    const ca = ['--tls-ca', authority.cert, '--tls-request-client-cert'];
    await using running = await startHeddle(...FLAGS, ...ca);
    await secureClient(running.port, ['-tls1_3']).finished();
    await running.shows(/^Bye: 127\.0\.0\.1 : \d+ \(tls-error: it showed no certificate\)$/m);
    await run('nc', ['-N', '127.0.0.1', `${running.port}`], 'hello\n');
    await running.shows(/^Bye: 127\.0\.0\.1 : \d+ \(tls-error: what it sent is not TLS\)$/m);
    expect(await greet(running.port, '-cert', alice.cert, '-key', alice.key)).toBe('olleh\n');
    expect(running.stdout.match(/tls-error/g)).toHaveLength(2);
  });

  it('reads its certificate again on SIGHUP', async () => {
    const files = { cert: join(certificates.folder, 'live.pem'), key: join(certificates.folder, 'live.key.pem') };
    copyFileSync(alice.cert, files.cert);
    copyFileSync(alice.key, files.key);
    await using running = await startHeddle('--tls-cert', files.cert, '--tls-key', files.key);
    copyFileSync(server.cert, files.cert);
    copyFileSync(server.key, files.key);
    running.child.kill('SIGHUP');
    await running.shows(/^Serving new code on 2 threads$/m);
    expect(await greet(running.port, '-verify_hostname', 'server')).toBe('olleh\n');
  });

  it.each([
    [['--tls-cert', server.cert], /^TLS needs the private key of the certificate: give its file with --tls-key\n$/],
    [['--tls-key', server.key], /^TLS needs a certificate: give its file with --tls-cert\n$/],
    [[...FLAGS, '--tls-request-client-cert'], /^--tls-request-client-cert needs --tls-ca: /],
    [
      ['--tls-cert', server.cert, '--tls-key', alice.key],
      /^the key in --tls-key \(.*\) does not belong to the certificate in --tls-cert /,
    ],
    [
      ['--tls-cert', 'missing.pem', '--tls-key', server.key],
      /^--tls-cert: cannot read .*missing\.pem: there is no such file\n$/,
    ],
  ])('refuses %j with status 2', async (args, message) => {
    const { status, stdout, stderr } = await run(process.execPath, [HEDDLE, 'serve', '--port', '0', ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('finds the files that a config file names from that file', async () => {
    const tls = { cert: 'server.pem', key: 'server.key.pem' };
    const config = certificates.write('config.json', JSON.stringify({ tls }));
    await using running = await startHeddle('--config', config);
    expect(await greet(running.port)).toBe('olleh\n');
  });
});
