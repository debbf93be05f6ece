import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, get, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Peer } from '../server/peer.ts';
import { type Running, service, start } from '../server/running.ts';
import { testFolder } from '../support/folder.ts';
import { Certificates } from './certificates.ts';
import { Haproxy } from './haproxy.ts';
import { here, run, Running as Process, startHeddle } from './processes.ts';
import { connectTls } from './tls-clients.ts';

/*
 * Libraries for Node on stream services, each with a client of its own kind. What the server itself does with a stream is in
 * test/server/streams.test.ts.
 */

const certificates = new Certificates();
afterAll(() => certificates[Symbol.dispose]());
const authority = certificates.authority('authority');
const tls = certificates.issue('localhost', authority);
const SECURED = ['--tls-cert', tls.cert, '--tls-key', tls.key];
const BEHIND = ['--proxy-protocol', '127.0.0.1'];

const example = (name: string): string => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

const serveExample = (name: string, ...args: string[]) => startHeddle(example(name), '--host', '127.0.0.1', ...args);

const curl = async (...args: string[]): Promise<string> =>
  (await run('curl', ['-sS', '--max-time', '30', ...args])).stdout;

describe('any stream service', () => {
  const STREAMS = service('streams');

  /** Connects with TLS over `raw`, a socket of TCP. */
  const secure = async (running: Running, raw = connect(running.port, '127.0.0.1')): Promise<Peer> => {
    await once(raw, 'connect');
    const peer = await connectTls(running.port, authority, { socket: raw, servername: 'localhost' });
    return Object.assign(peer, { localPort: raw.localPort });
  };

  it('gets the socket of TLS under TLS, and its client is told apart by its end', async () => {
    await using running = await start(STREAMS, { tls, threads: 1 });
    const ends: Record<string, (peer: Peer, raw: Socket) => unknown> = {
      'client-finished': (peer) => peer.finish().rest(),
      'server-finished': (peer) => peer.send('end bye\n').rest(),
      'client-reset': (_peer, raw) => raw.resetAndDestroy(),
      'tls-error': (_peer, raw) => raw.write('no record of TLS, but some bytes'),
    };
    for (const [index, [reason, end]] of Object.entries(ends).entries()) {
      const raw = connect(running.port, '127.0.0.1');
      const peer = await secure(running, raw);
      expect(await peer.ask('kind')).toBe(`true true ${index + 1}`);
      expect(await peer.ask('who')).toBe(`127.0.0.1 ${peer.localPort} IPv4 127.0.0.1 ${peer.localPort}`);
      await end(peer, raw);
      expect((await running.seen('close', index + 1))[index]).toMatchObject({ client: index + 1, reason });
      await peer.leave();
    }
    await using last = await secure(running);
    const drained = running.server.drain();
    expect(String(await last.rest())).toBe('leaving\n');
    await drained;
    expect(running.server.stats().closes).toMatchObject({ shutdown: 1 });
  });

  it.each([
    ['over-limit', { maxUnsent: '1MiB' }],
    ['send-timeout', { maxUnsent: '100MiB', sendTimeout: 300 }],
    ['idle-timeout', { idleTimeout: 300 }],
  ] as const)('is held to its limits under TLS: %s', async (reason, options) => {
    await using running = await start(STREAMS, { tls, threads: 1, ...options });
    await using peer = await secure(running);
    expect(await peer.ask('echo here')).toBe('here');
    peer.socket.pause();
    if (reason !== 'idle-timeout') peer.send('flood 30\n');
    expect(await running.seen('close')).toMatchObject([{ reason }]);
  });

  it('is told when another process takes over', async () => {
    const folder = testFolder();
    const words = [fileURLToPath(STREAMS), '--host', '127.0.0.1', '--take-over', join(folder, 'next')];
    await using old = await startHeddle(...words);
    await using peer = await Peer.connect(old.port);
    expect(await peer.ask('echo here')).toBe('here');
    await using next = await startHeddle(...words);
    expect(String(await peer.rest())).toBe('leaving\n');
    expect((await old.finished()).status).toBe(0);
    await using fresh = await Peer.connect(next.port);
    expect(await fresh.ask('echo there')).toBe('there');
  });
});

describe('http', () => {
  it('with curl: plain, over TLS, and behind HAProxy with the client’s address', async () => {
    await using plain = await serveExample('http.ts');
    const url = `http://127.0.0.1:${plain.port}`;
    expect(await curl(`${url}/one`, `${url}/two`)).toBe('GET /one of 127.0.0.1\nGET /two of 127.0.0.1\n');
    await using secured = await serveExample('http.ts', ...SECURED);
    const safe = `https://localhost:${secured.port}/`;
    expect(await curl('-4', '--cacert', authority.cert, '-X', 'POST', safe)).toBe('POST / of 127.0.0.1\n');
    await using behind = await serveExample('http.ts', ...BEHIND);
    await using proxy = await Haproxy.start(behind.port, 'send-proxy-v2');
    const around = ['--retry', '20', '--retry-connrefused', '--retry-delay', '1', '--interface', '127.0.0.9'];
    expect(await curl(...around, `http://127.0.0.1:${proxy.port}/`)).toBe('GET / of 127.0.0.9\n');
  });

  it('with wrk: no error among thousands of requests', async () => {
    await using server = await serveExample('http.ts');
    const { stdout } = await run('wrk', ['-t1', '-c20', '-d1s', `http://127.0.0.1:${server.port}/`]);
    expect(stdout).toMatch(/\d+ requests in/);
    expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
  });

  it('takes a body, and times out half a request', async () => {
    await using server = await startHeddle(here('services/http-work.mjs'), '--host', '127.0.0.1');
    const body = certificates.write('body', 'x'.repeat(3_000_000));
    expect(await curl('--data-binary', `@${body}`, `http://127.0.0.1:${server.port}/`)).toBe('1 127.0.0.1 3000000\n');
    await using half = await Peer.connect(server.port);
    half.send('GET / HTTP/1.1\r\nHost: ');
    await half.over(); // With 408, or a reset where its bytes had not been read yet.
  });

  it('a drain ends idle connections, and the others after their response', async () => {
    await using server = await startHeddle(
      here('services/http-work.mjs'),
      '--host',
      '127.0.0.1',
      '--shutdown-timeout',
      '20s',
    );
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [answer] = await once(get({ agent, port: server.port, host: '127.0.0.1' }), 'response');
    expect(answer.headers.connection).toBe('keep-alive');
    answer.resume();
    await using silent = await Peer.connect(server.port);
    const headers = { connection: 'keep-alive', expect: '100-continue' };
    const busy = request({ port: server.port, host: '127.0.0.1', method: 'POST', headers });
    busy.flushHeaders();
    await once(busy, 'continue'); // The server has begun with it.
    server.child.kill('SIGTERM');
    await silent.over();
    busy.end('body');
    const [last] = await once(busy, 'response');
    expect(last.headers.connection).toBe('close');
    expect((await last.toArray()).join('')).toBe('1 127.0.0.1 4\n');
    const { status, stdout } = await server.finished();
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.not.stringMatching(/client-reset|thread-exit/) });
  });

  it('a reload serves new requests with the new code, and loses none', async () => {
    const folder = testFolder();
    const file = join(folder, 'service.mjs');
    const write = (text: string): void =>
      writeFileSync(
        file,
        `import { createServer } from 'node:http';
        import { httpService } from ${JSON.stringify(new URL('../../dist/http.js', import.meta.url).href)};
        export default httpService(createServer((request, response) => response.end('${text}')));`,
      );
    write('old');
    await using running = await start(file);
    const agents = [1, 2].map(() => new Agent({ keepAlive: true, maxSockets: 4 }));
    onTestFinished(() => agents.forEach((agent) => agent.destroy()));
    const ask = async (agent: Agent): Promise<string> => {
      const [response] = await once(get({ agent, port: running.port, host: '127.0.0.1' }), 'response');
      return (await response.toArray()).join('');
    };
    const [old, fresh] = agents as [Agent, Agent];
    const askAll = (agent: Agent): Promise<string[]> => Promise.all(Array.from({ length: 8 }, () => ask(agent)));
    expect(await askAll(old)).toEqual(Array(8).fill('old'));
    write('new');
    await running.server.reload();
    await running.seen('close', 4);
    expect(await askAll(fresh)).toEqual(Array(8).fill('new'));
  });

  it('a thread that dies takes its own clients with it, and nobody else notices', async () => {
    await using server = await startHeddle(
      here('services/http-work.mjs'),
      '--host',
      '127.0.0.1',
      '--placement',
      'round-robin',
    );
    const url = `http://127.0.0.1:${server.port}`;
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const ask = async (): Promise<number | undefined> => {
      const [response] = await once(get({ agent, port: server.port, host: '127.0.0.1' }), 'response');
      response.resume();
      await once(response, 'end');
      return response.statusCode;
    };
    expect(await ask()).toBe(200);
    await curl(`${url}/die`);
    expect(await ask()).toBe(200);
    expect(await curl(url)).toBe('1 127.0.0.1 0\n');
  });
});

describe('ws', () => {
  const talk = async (url: string, options: object = {}): Promise<WebSocket> => {
    const socket = new WebSocket(url, options);
    await once(socket, 'open');
    for (const message of ['hello', Buffer.alloc(1_000_000, 7)]) {
      const heard = once(socket, 'message');
      socket.send(message);
      const [data, isBinary] = await heard;
      expect(isBinary).toBe(typeof message !== 'string');
      expect(Buffer.compare(data, Buffer.from(message))).toBe(0);
    }
    return socket;
  };

  it('with its own client: plain, over TLS, behind HAProxy, and through a drain', async () => {
    await using plain = await serveExample('websocket.ts');
    const socket = await talk(`ws://127.0.0.1:${plain.port}`);
    await using secured = await serveExample('websocket.ts', ...SECURED);
    (await talk(`wss://localhost:${secured.port}`, { rejectUnauthorized: false, family: 4 })).close();
    await using behind = await serveExample('websocket.ts', ...BEHIND);
    await using proxy = await Haproxy.start(behind.port, 'send-proxy');
    const through = await proxy.dial('127.0.0.5');
    const about = `127\\.0\\.0\\.5 : ${through.localPort}`;
    (await talk('ws://heddle', { createConnection: () => through })).close();
    await behind.shows(new RegExp(`Client disconnected: ${about}`));
    const closed = once(socket, 'close');
    plain.child.kill('SIGTERM');
    expect((await closed)[0]).toBe(1001);
    expect((await plain.finished()).status).toBe(0);
  });
});

describe('aedes', () => {
  const behind = (port: number): Promise<Haproxy> => Haproxy.start(port, 'send-proxy-v2');

  it.each([
    ['plain', [], [], undefined],
    ['over TLS', SECURED, ['--cafile', authority.cert, '--insecure'], undefined],
    ['behind HAProxy', BEHIND, ['-A', '127.0.0.8'], behind],
  ])('with mosquitto, QoS 0, 1 and 2: %s', async (_how, options, words, front) => {
    await using server = await serveExample('mqtt-broker.ts', '--threads', '1', ...options);
    await using proxy = await front?.(server.port);
    (await proxy?.dial('127.0.0.1'))?.destroy();
    const common = ['-h', '127.0.0.1', '-p', `${proxy?.port ?? server.port}`, '-t', 'weather', ...words];
    // A retained message says when the subscriber is there.
    await run('mosquitto_pub', [...common, '-q', '1', '-r', '-m', 'hello']);
    await using subscriber = new Process('mosquitto_sub', [...common, '-q', '2', '-C', '4']);
    await subscriber.shows(/^hello$/m);
    for (const qos of ['0', '1', '2']) await run('mosquitto_pub', [...common, '-q', qos, '-m', `rain ${qos}`]);
    expect((await subscriber.finished()).stdout).toBe('hello\nrain 0\nrain 1\nrain 2\n');
    if (proxy !== undefined) await server.shows(/Client disconnected: 127\.0\.0\.8 : \d+/);
  });
});

describe('smtp-server', () => {
  const body = certificates.write('mail', 'a line\n'.repeat(20_000));
  const MAIL = ['--to', 'ann@example.com', '--from', 'bo@example.com', '--body', `@${body}`];

  it('with swaks: plain, with STARTTLS, over TLS, and with smtplib behind HAProxy', async () => {
    await using server = await serveExample('smtp.ts');
    for (const words of [[], ['--tls']]) {
      const { status, stdout } = await run('swaks', ['--server', `127.0.0.1:${server.port}`, ...MAIL, ...words]);
      expect(stdout).toMatch(/250 \d{6} bytes taken/);
      expect(stdout.includes('TLS started')).toBe(words.length > 0);
      expect(status).toBe(0);
    }
    await using secured = await serveExample('smtp.ts', ...SECURED);
    const { status } = await run('swaks', ['--server', `127.0.0.1:${secured.port}`, ...MAIL, '--tls-on-connect']);
    expect(status).toBe(0);
    await using behind = await serveExample('smtp.ts', ...BEHIND);
    await using proxy = await Haproxy.start(behind.port, 'send-proxy-v2');
    (await proxy.dial('127.0.0.1')).destroy();
    const script = `import smtplib, ssl
client = smtplib.SMTP('127.0.0.1', ${proxy.port}, source_address=('127.0.0.6', 0))
client.starttls(context=ssl._create_unverified_context())
client.sendmail('bo@example.com', ['ann@example.com'], 'Subject: hello\\n\\nline\\n' * 1000)
client.quit()
print('sent')`;
    expect(await run('python3', ['-c', script])).toMatchObject({ stdout: 'sent\n', stderr: '' });
    await behind.shows(/Client disconnected: 127\.0\.0\.6 : \d+/);
  });
});

describe('ssh2', () => {
  it('with OpenSSH: plain, behind HAProxy, and on new threads after a reload', async () => {
    const folder = testFolder();
    const key = join(folder, 'host_key');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    vi.stubEnv('SSH_HOST_KEY', key);
    const ssh = async (port: number, command: string): Promise<string> => {
      const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${folder}/known`, 'LogLevel=ERROR'];
      const words = options.flatMap((option) => ['-o', option]);
      return (await run('ssh', [...words, '-p', `${port}`, '127.0.0.1', command])).stdout;
    };
    await using server = await serveExample('ssh.ts', ...BEHIND);
    await using proxy = await Haproxy.start(server.port, 'send-proxy-v2');
    (await proxy.dial('127.0.0.1')).destroy();
    expect(await ssh(proxy.port, 'uptime')).toBe('You said: uptime\n');
    server.child.kill('SIGHUP');
    await server.shows(/Serving new code/);
    expect(await ssh(proxy.port, 'uname -a')).toBe('You said: uname -a\n');
  });
});
