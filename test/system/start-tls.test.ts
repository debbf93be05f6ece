import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import type { Peer } from '../server/peer.ts';
import { noMoves, type Running, service, start } from '../server/running.ts';
import { testFolder } from '../support/folder.ts';
import { Certificates, texts } from './certificates.ts';
import { Haproxy } from './haproxy.ts';
import { run, startHeddle } from './processes.ts';
import { connectTls } from './tls-clients.ts';

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const pair = certificates.issue('localhost', authority);
const client = certificates.issue('client', authority);
const tls = { ...pair, start: 'later' } as const;

const LINES = new URL('services/start-tls.mjs', import.meta.url);
const example = (name: string): URL => new URL(`../../examples/${name}.ts`, import.meta.url);

const serveLines = (options: ServeOptions = {}): Promise<Running> => start(LINES, { tls, ...options });

/** Shakes hands on the connection of `peer`. */
function secure(running: Running, peer: Peer, options: object = {}): Promise<Peer> {
  return connectTls(running.port, authority, { socket: peer.socket, servername: 'localhost', ...options });
}

describe('TLS that a session starts', () => {
  it('has plain text before it and TLS behind it, with what TLS says of the client', async () => {
    const options = { ...tls, alpn: ['lines'], ca: authority.cert, requestClientCert: true };
    await using running = await serveLines({ tls: options });
    await using peer = await running.connect();
    expect(await peer.ask('echo here')).toBe('echo here');
    expect(await peer.ask('tls')).toBe('go');
    await using secured = await secure(running, peer, { ALPNProtocols: ['lines'], ...texts(client) });
    expect(await secured.line()).toBe('true false localhost lines client');
    expect(await secured.ask('echo there')).toBe('echo there');
    expect(await secured.ask('refused')).toMatch(/^HEDDLE_UNSUPPORTED: client\.startTls\(\): TLS has begun/);
    await secured.finish().rest();
    expect(await running.seen('close')).toMatchObject([{ reason: 'client-finished' }]);
  });

  it('shows the certificate of the name that the client asks for, and the renewed one after a reload', async () => {
    const names = ['localhost', 'other.test', 'any.wild.test'];
    const other = certificates.issue('other.test', authority);
    const wild = certificates.issue('*.wild.test', authority);
    await using running = await serveLines({ tls: { ...tls, sni: { 'other.test': other, '*.wild.test': wild } } });
    const begin = async (): Promise<Peer> => {
      const peer = await running.connect();
      expect(await peer.ask('tls')).toBe('go');
      return peer;
    };
    /** Goes on to TLS, asking for `name`; gives what the client is shown. */
    const shown = async (peer: Peer, name: string): Promise<string | undefined> => {
      await using secured = await secure(running, peer, { servername: name });
      expect(await secured.line()).toMatch(`true false ${name}`);
      return (secured.socket as TLSSocket).getPeerX509Certificate()?.fingerprint256;
    };
    const showAll = (): Promise<unknown[]> => Promise.all(names.map(async (name) => shown(await begin(), name)));
    const inFiles = (): string[] =>
      [pair, other, wild].map((each) => new X509Certificate(readFileSync(each.cert)).fingerprint256);
    const before = inFiles();
    expect(await showAll()).toEqual(before);
    const early = await begin();
    for (const name of ['other.test', '*.wild.test']) certificates.issue(name, authority); // To the same files.
    await running.server.reload();
    expect(inFiles()).not.toEqual(before);
    expect(await showAll()).toEqual(inFiles());
    expect(await shown(early, 'other.test')).toBe(before[1]); // Its thread has the certificates that it began with.
  });

  it('lets all go out in plain text that was sent before', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    peer.send('flood\n');
    expect((await peer.take(5_000_001)).every((byte, at) => byte === (at < 5_000_000 ? 0x78 : 0x0a))).toBe(true);
    expect(await peer.line()).toBe('go');
    await using secured = await secure(running, peer);
    expect(await secured.line()).toMatch(/^true false localhost/);
  });

  it.each([
    ['behind the request', 'tls\necho evil\n', ''],
    ['half a message behind the request', 'tls\nech', ''],
    ['after the request', 'wait\n', 'echo evil\n'],
  ])(
    'reads nothing under TLS that came in plain text, and no other client notices: %s',
    async (_where, first, second) => {
      await using running = await serveLines({ threads: 1 });
      await using other = await running.connect();
      expect(await other.ask('tls')).toBe('go');
      await using secured = await secure(running, other);
      expect(await secured.line()).toMatch(/^true false localhost/);
      await using peer = await running.connect();
      peer.send(first);
      const isAsked = second !== '';
      if (isAsked) {
        expect(await peer.line()).toBe('waiting');
        peer.send(second);
        expect(await secured.ask('go')).toBe('gone');
      }
      expect(String(await peer.rest())).not.toContain('evil');
      const detail = isAsked ? 'what it sent is not TLS' : 'it sent bytes in plain text behind its request for TLS';
      expect(await running.closeOf(peer)).toMatchObject({ reason: 'tls-error', detail });
      expect(await secured.ask('echo still here')).toBe('echo still here');
      expect(await running.all('service-error')).toEqual([]);
    },
  );

  it('takes a handshake whose beginning has come before the service begins its own', async () => {
    await using running = await serveLines({ threads: 1 });
    await using peer = await running.connect();
    expect(await peer.ask('late')).toBe('go');
    const securing = secure(running, peer);
    await using other = await running.connect();
    expect(await other.ask('go')).toBe('gone');
    await using secured = await securing;
    expect(await secured.line()).toBe('secured');
  });

  it('is not waited for longer than tlsHandshakeTimeout', async () => {
    await using running = await serveLines({ tlsHandshakeTimeout: 300 });
    await using silent = await running.connect();
    expect(await silent.ask('tls')).toBe('go');
    await silent.over();
    const detail = 'no handshake within 300ms';
    expect(await running.closeOf(silent)).toMatchObject({ reason: 'tls-error', detail });
  });

  it('does not wait for a client that reads nothing', async () => {
    await using running = await serveLines({ sendTimeout: 300, maxUnsent: '100MiB' });
    await using deaf = await running.connect();
    deaf.socket.pause();
    deaf.send('flood\n');
    expect(await running.closeOf(deaf)).toMatchObject({ reason: 'send-timeout' });
  });

  it.each([
    ['leaves', (peer: Peer) => peer.finish(), /it left before the handshake was done/],
    ['resets', (peer: Peer) => peer.reset(), /it left before the handshake was done/],
    ['speaks no TLS', (peer: Peer) => peer.send('no TLS, but some bytes'), /what it sent is not TLS/],
  ] as const)('fails for a client that %s, and its session ends without an error', async (_how, act, detail) => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(await peer.ask('tls')).toBe('go');
    act(peer);
    const close = await running.closeOf(peer);
    expect(close).toMatchObject({ reason: 'tls-error', detail: expect.stringMatching(detail) });
    expect(await running.all('service-error')).toEqual([]);
  });

  it('fails for a client that shows no certificate where one is asked for', async () => {
    await using running = await serveLines({ tls: { ...tls, ca: authority.cert, requestClientCert: true } });
    await using peer = await running.connect();
    expect(await peer.ask('tls')).toBe('go');
    await using secured = await secure(running, peer, { maxVersion: 'TLSv1.2' }).catch(() => peer);
    await secured.over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'tls-error', detail: 'it showed no certificate' });
  });

  it('refuses to send anything meanwhile, which might go out in plain text', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(await peer.ask('early')).toBe('go');
    await using secured = await secure(running, peer);
    expect(await secured.line()).toMatch(/^client\.send\(\) was called before client\.startTls\(\) has ended/);
  });

  it('gives a session that asks ahead its first message under TLS', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(await peer.ask('ahead')).toBe('go');
    await using secured = await secure(running, peer);
    expect(await secured.ask('echo')).toBe('heard echo');
  });

  it('is given up when the session closes its client meanwhile', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(await peer.ask('close')).toBe('go');
    await peer.finish().over();
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'server-finished' });
    expect(await running.all('service-error')).toEqual([]);
  });

  it('ends this side under TLS where the session ends it meanwhile', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(await peer.ask('end')).toBe('go');
    await using secured = await secure(running, peer);
    expect(String(await secured.rest())).toBe('');
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
  });

  it('goes on through a drain, which then ends the client', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(await peer.ask('tls')).toBe('go');
    const drained = running.server.drain();
    await using secured = await secure(running, peer);
    expect(await secured.line()).toMatch(/^true false/);
    expect(String(await secured.rest())).toBe('');
    await drained;
    expect(running.server.stats().closes).toMatchObject({ shutdown: 1, 'tls-error': 0 });
  });

  it('lets a client finish in plain text and wait for its replies', async () => {
    await using running = await serveLines();
    await using peer = await running.connect();
    expect(String(await peer.send('echo one\necho two\n').finish().rest())).toBe('echo one\necho two\n');
    expect(await running.closeOf(peer)).toMatchObject({ reason: 'client-finished' });
  });

  it('is refused where the server has none, or begins it with the connection', async () => {
    await using plain = await start(LINES);
    await using peer = await plain.connect();
    expect(await peer.ask('refused')).toMatch(/^HEDDLE_UNSUPPORTED: .* there is no TLS to start\. Give the server/);
    await using secured = await start(LINES, { tls: pair });
    await using other = await connectTls(secured.port, authority, { servername: 'localhost' });
    expect(await other.ask('refused')).toMatch(/^HEDDLE_UNSUPPORTED: .*TLS has begun/);
  });

  it('does not have plain clients listed as kept on their thread by TLS', async () => {
    const control = join(testFolder(), 'control.sock');
    await using running = await serveLines({ control });
    await using peer = await running.connect();
    expect(await peer.ask('echo here')).toBe('echo here');
    const { stdout } = await run('curl', ['-sS', '--unix-socket', control, 'http://localhost/v1/clients']);
    expect(JSON.parse(stdout)).toMatchObject({ port: peer.localPort, pinned: 'session' });
  });

  it.each([
    ['message', service('echo')],
    ['stream', service('streams')],
  ])('cannot begin later for a service with a %s function', async (kind, module) => {
    const error = {
      code: 'HEDDLE_SERVICE_LOAD',
      message: expect.stringContaining(`and it has a ${kind} function. Leave out tls.start`),
    };
    await expect(start(module, { tls })).rejects.toMatchObject(error);
  });
});

describe('a client of the protocol starts TLS', () => {
  const mail = ['--to', 'ann@example.com', '--from', 'bo@example.com', '--tls'];
  const smtplib = (port: number): string => `import smtplib, ssl
client = smtplib.SMTP('localhost', ${port})
client.starttls(context=ssl.create_default_context(cafile='${authority.cert}'))
client.sendmail('bo@example.com', ['ann@example.com'], 'Subject: hello\\n\\nline\\n' * 1000)
client.quit()
print('sent')`;
  const search = ['-ZZ', '-x', '-LLL', '-b', 'cn=ann'];
  const safe = ['-CAfile', authority.cert, '-verify_return_error', '-verify_hostname', 'localhost', '-brief'];

  it.each([
    ['mail', 'swaks', (port: number) => ['--server', `127.0.0.1:${port}`, ...mail], /~> QUIT\n<~ {2}221 Bye/],
    ['mail', 'python3', (port: number) => ['-c', smtplib(port)], /^sent\n$/],
    [
      'mail',
      'openssl',
      (port: number) => ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${port}`, ...safe],
      /Verification: OK/,
    ],
    [
      'postgres',
      'openssl',
      (port: number) => ['s_client', '-starttls', 'postgres', '-connect', `127.0.0.1:${port}`, ...safe],
      /Verification: OK/,
    ],
    [
      'ldap',
      'openssl',
      (port: number) => ['s_client', '-starttls', 'ldap', '-connect', `127.0.0.1:${port}`, ...safe],
      /Verification: OK/,
    ],
    [
      'postgres',
      'psql',
      (port: number) => ['-At', `${PSQL} port=${port}`, '-c', 'select 6', '-c', '\\conninfo'],
      /^select 6\n[^]*TLSv1\.3/,
    ],
    ['ldap', 'ldapsearch', (port: number) => [...search, '-H', `ldap://127.0.0.1:${port}`], /^dn: cn=ann\n/],
  ] as const)('%s: %s', async (name, command, words, says) => {
    await using running = await start(example(name), { tls });
    const { stdout, stderr, status } = await run(command, words(running.port), '', { LDAPTLS_CACERT: authority.cert });
    expect(`${stdout}${stderr}`).toMatch(says);
    expect(status).toBe(0);
  });
  const PSQL = `host=localhost hostaddr=127.0.0.1 user=ann sslmode=verify-full sslrootcert=${authority.cert}`;

  // The net engine has no PROXY headers beside TLS.
  it.skipIf(noMoves)('behind HAProxy, with the command’s flags', async () => {
    const flags = ['--tls-cert', pair.cert, '--tls-key', pair.key, '--tls-start', 'later'];
    const more = ['--proxy-protocol', '127.0.0.1', '--host', '127.0.0.1'];
    await using server = await startHeddle(fileURLToPath(example('mail')), ...flags, ...more);
    await using proxy = await Haproxy.start(server.port, 'send-proxy-v2');
    (await proxy.dial('127.0.0.1')).destroy();
    const { stdout } = await run('swaks', ['--server', `127.0.0.1:${proxy.port}`, '-li', '127.0.0.7', ...mail]);
    expect(stdout).toMatch(/TLS started[^]*221 Bye/);
    await server.shows(/Client disconnected: 127\.0\.0\.7 : \d+/);
    expect(server.stdout).toMatch(/over TLS once the service starts it/);
  });
});
