import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Finding } from '../../src/admin/control/doctor.ts';
import type { Snapshot } from '../../src/admin/control/snapshot.ts';
import { testFolder } from '../support/folder.ts';
import { makeGate } from './gate.ts';
import { noMoves, type Running, service, start } from './running.ts';

const socketIn = (folder: string): string => join(folder, 'control.sock');

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function ask(running: Running, path: string, { body, headers = {}, method = 'GET' }: Asked = {}): Promise<Answer> {
  const socketPath = running.server.controlPath as string;
  return new Promise((resolve, reject) => {
    const asking = request(
      { socketPath, path, method, headers: { host: 'localhost', ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() }));
      },
    );
    asking.on('error', reject);
    asking.end(body);
  });
}

async function json<T>(running: Running, path: string): Promise<T> {
  return JSON.parse((await ask(running, path)).text) as T;
}

async function lines(running: Running, path: string): Promise<Record<string, unknown>[]> {
  const { text } = await ask(running, path);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function kick(running: Running, what: object): Promise<Record<string, unknown>[]> {
  const headers = { 'content-type': 'application/json' };
  const { status, text } = await ask(running, '/v1/kick', { method: 'POST', headers, body: JSON.stringify(what) });
  if (status !== 200) throw new Error(text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the control socket', () => {
  it('is open to its own user only, and gone with the server', async () => {
    const path = socketIn(testFolder());
    const running = await start(service('commands'), { control: path });
    expect(running.server.controlPath).toBe(path);
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    await running.server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('is not there unless it is asked for', async () => {
    await using running = await start(service('commands'));
    expect(running.server.controlPath).toBeUndefined();
    await using off = await start(service('commands'), { control: 'off' });
    expect(off.server.controlPath).toBeUndefined();
  });

  it('takes the place of one that a server left behind, and of nothing else', async () => {
    const path = socketIn(testFolder());
    // A process that is killed leaves its socket.
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(path).isSocket()).toBe(true);
    await using running = await start(service('commands'), { control: path });
    expect((await ask(running, '/readyz')).text).toBe('ready\n');
    await expect(start(service('commands'), { control: path })).rejects.toMatchObject({
      code: 'HEDDLE_LISTEN',
      message: expect.stringContaining('options.control'),
    });
    const file = join(testFolder(), 'file');
    writeFileSync(file, 'precious');
    await expect(start(service('commands'), { control: file })).rejects.toMatchObject({ code: 'HEDDLE_LISTEN' });
  });

  it.runIf(process.getuid?.() === 0 && !noMoves)('turns another user away, whatever its file says', async () => {
    const folder = testFolder();
    const path = socketIn(folder);
    await using running = await start(service('commands'), { control: path });
    chmodSync(folder, 0o755);
    chmodSync(path, 0o666);
    const script = `process.setuid(65534); const s = require('net').connect(${JSON.stringify(path)});
      s.on('error', () => {}); s.on('data', (data) => process.stdout.write(data)); s.on('close', () => process.stdout.write('closed'));
      s.write('GET /v1/clients HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n');`;
    expect(await printedBy(script)).toBe('closed');
    expect((await ask(running, '/v1/clients')).status).toBe(200);
  });

  it('says who waits, and which thread is blocked, by which client', async () => {
    const { gate, held, open } = makeGate();
    await using running = await start(service('commands'), { control: socketIn(testFolder()), shared: { gate } });
    expect((await json<Snapshot>(running, '/v1/snapshot')).verdict.text).toBe('No client waits for another.');
    await using blocker = await running.connect();
    blocker.send('hold\n');
    await held();
    const [{ client, port } = { client: 0, port: 0 }] = await running.seen('open');
    let { threads, verdict } = await json<Snapshot>(running, '/v1/snapshot');
    while (verdict.blocked[0]?.client === undefined)
      ({ threads, verdict } = await json<Snapshot>(running, '/v1/snapshot'));
    expect(verdict.text).toContain(`by client #${client} (127.0.0.1:${port})`);
    expect(threads.filter(({ block }) => block !== undefined)).toHaveLength(1);
    const thread = verdict.blocked[0]?.thread;
    const waits = [{ id: client, thread, why: 'own' }];
    await vi.waitFor(async () => expect(await json(running, '/v1/waiting')).toMatchObject({ clients: waits }), {
      timeout: 10_000,
    });
    expect(await json(running, '/v1/places')).toMatchObject({ places: [[client, thread]] });
    open();
    expect(await blocker.line()).toBe('held');
  });

  it.skipIf(noMoves)('says how many clients wait to be accepted, at each TCP socket', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()), backlog: 16 });
    const { acceptQueue } = await json<Snapshot>(running, '/v1/snapshot');
    expect(acceptQueue).toEqual([{ listener: `127.0.0.1:${running.port}`, length: 0, limit: 16 }]);
    expect((await ask(running, '/metrics')).text).toContain(
      `heddle_accept_queue_limit{listener="127.0.0.1:${running.port}"} 16\n`,
    );
  });

  it('lists clients, by what is asked, and never what they say', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    await using one = await running.connect();
    await using other = await running.connect();
    expect(await one.ask('echo hello')).toBe('hello');
    expect(await other.ask('echo secret-of-the-client')).toBe('secret-of-the-client');
    other.send('half-of-a-secret');
    const opened = await running.seen('open', 2);
    const listed = await lines(running, '/v1/clients?sort=age');
    expect(new Set(listed.map(({ port }) => port))).toEqual(new Set([one.localPort, other.localPort]));
    expect(await lines(running, `/v1/clients?where=port%3D${one.localPort}`)).toMatchObject([
      { address: '127.0.0.1', moves: expect.any(Number) },
    ]);
    expect(await lines(running, '/v1/clients?limit=1')).toHaveLength(1);
    expect(await lines(running, '/v1/clients?limit=0')).toEqual([]);
    expect(await json(running, `/v1/clients/${opened[0]?.client}`)).toMatchObject({ port: opened[0]?.port });
    for (const path of ['/v1/clients', '/v1/snapshot', '/v1/doctor', '/v1/clients?state=closed', '/metrics'])
      expect((await ask(running, path)).text).not.toContain('secret');
  });

  it('says why clients have left', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    const peer = await running.connect();
    expect(await peer.ask('echo hello')).toBe('hello');
    peer.send('throw now\n');
    const { client } = await running.closeOf(peer);
    const gone = { id: client, state: 'closed', reason: 'service-error', by: 'fault' };
    expect(await lines(running, '/v1/clients?state=closed&where=by%3Dfault')).toMatchObject([gone]);
    // Its slot is free a moment after its end is told.
    await vi.waitFor(async () => expect(await json(running, `/v1/clients/${client}`)).toMatchObject(gone), {
      timeout: 10_000,
    });
    expect((await ask(running, '/v1/clients/123456')).status).toBe(404);
  });

  it('has nothing to say of a server that is well', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    await using peer = await running.connect();
    expect(await peer.ask('echo hello')).toBe('hello');
    const { findings } = await json<{ findings: Finding[] }>(running, '/v1/doctor');
    expect(findings.filter(({ level }) => level !== 'note')).toEqual([]);
  });

  it.each<[string, string, Asked, number]>([
    ['a name that is not its own', '/v1/clients', { headers: { host: 'evil.example' } }, 421],
    [
      'a kick that is no JSON, as a page of another site could send it',
      '/v1/kick',
      { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } },
      415,
    ],
    ['a kick by GET', '/v1/kick', {}, 405],
    [
      'a kick of nobody in particular',
      '/v1/kick',
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
      400,
    ],
    [
      'a kick that is too long',
      '/v1/kick',
      { method: 'POST', body: ' '.repeat(20_000), headers: { 'content-type': 'application/json' } },
      413,
    ],
    ['a filter that is none', '/v1/clients?where=x', {}, 400],
    ['a sort that is none', '/v1/clients?sort=name', {}, 400],
    ['a limit that is none', '/v1/clients?limit=-1', {}, 400],
    ['a sort of clients that have left', '/v1/clients?state=closed&sort=age', {}, 400],
    ['a state that is none', '/v1/clients?state=foo', {}, 400],
    ['a question with a misspelt name', '/v1/clients?were=id%3D1', {}, 400],
    ['a value that no client can have', '/v1/clients?where=state!%3Dx', {}, 400],
    ['a client that is no number', '/v1/clients/x', {}, 400],
    [
      'a kick by ids that are no numbers',
      '/v1/kick',
      { method: 'POST', body: '{"ids":["1"]}', headers: { 'content-type': 'application/json' } },
      400,
    ],
    [
      'a kick whose dryRun is misspelt',
      '/v1/kick',
      { method: 'POST', body: '{"where":"id>0","dryrun":true}', headers: { 'content-type': 'application/json' } },
      400,
    ],
    [
      'a kick by a list',
      '/v1/kick',
      { method: 'POST', body: '[]', headers: { 'content-type': 'application/json' } },
      400,
    ],
    ['a path that is none', '/v2/clients', {}, 404],
    ['another method', '/v1/clients', { method: 'DELETE' }, 405],
  ])('refuses %s', async (_what, path, asked, status) => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    await using peer = await running.connect();
    expect(await peer.ask('echo hello')).toBe('hello');
    expect((await ask(running, path, asked)).status).toBe(status);
    expect(await peer.ask('echo still here')).toBe('still here');
  });

  it('refuses a kick at the port for metrics', async () => {
    await using running = await start(service('commands'), { metrics: { host: '127.0.0.1', port: 0 } });
    const { host, port } = running.server.metricsAddress as { host: string; port: number };
    const answer = await fetch(`http://${host}:${port}/v1/kick`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"where":"id>0"}',
    });
    expect(answer.status).toBe(405);
    expect((await fetch(`http://${host}:${port}/v1/clients`)).status).toBe(404);
  });

  it('takes no more than 64 connections', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    const path = running.server.controlPath as string;
    const sockets = Array.from({ length: 64 }, () => connect(path));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) {
      socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
    }
    await expect(ask(running, '/readyz')).rejects.toThrow(/hang up|ECONNRESET|EPIPE/);
    for (const socket of sockets) socket.destroy();
  });
});

/** Runs `script` in another process, and resolves with what it has printed. */
async function printedBy(script: string): Promise<string> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (data) => (printed += String(data)));
  await once(child, 'close');
  return printed;
}

describe('a kick', () => {
  it('closes a client that is idle, and no other', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    await using one = await running.connect();
    await using other = await running.connect();
    for (const peer of [one, other]) expect(await peer.ask('echo hello')).toBe('hello');
    expect(await kick(running, { where: `port=${one.localPort}`, dryRun: true })).toMatchObject([{ result: 'chosen' }]);
    expect(await one.ask('echo still here')).toBe('still here');
    const { client } = (await running.all('open')).find(({ port }) => port === one.localPort) ?? { client: 0 };
    expect(await kick(running, { ids: [client] })).toMatchObject([{ id: client, result: 'kicked' }]);
    expect((await running.closeOf(one)).reason).toBe('kicked');
    expect(await other.ask('echo hello')).toBe('hello');
    expect(running.server.stats().closes.kicked).toBe(1);
  });

  it.each([
    ['one whose handler runs', 'commands', 'never\n'],
    ['a session', 'sessions', 'sum\n'],
    ['one with half a message', 'commands', 'half'],
    ['one that speaks to a stream service', 'streams', 'echo'],
  ])('closes %s', async (_what, name, said) => {
    await using running = await start(service(name), { control: socketIn(testFolder()) });
    await using peer = await running.connect();
    peer.send(said);
    await running.seen('open');
    expect(await kick(running, { where: `port=${peer.localPort}` })).toMatchObject([{ result: 'kicked' }]);
    expect((await running.closeOf(peer)).reason).toBe('kicked');
  });

  it('closes a client where no deadline has anybody look at clients', async () => {
    const never = { idleTimeout: Infinity, messageTimeout: Infinity, sendTimeout: Infinity };
    await using running = await start(service('commands'), { control: socketIn(testFolder()), ...never });
    await using peer = await running.connect();
    expect(await peer.ask('echo hello')).toBe('hello');
    expect(await kick(running, { where: 'id>0' })).toMatchObject([{ result: 'kicked' }]);
    expect((await running.closeOf(peer)).reason).toBe('kicked');
  });

  it('is refused for the client that blocks its thread', async () => {
    const { gate, held, open } = makeGate();
    await using running = await start(service('commands'), { control: socketIn(testFolder()), shared: { gate } });
    await using blocker = await running.connect();
    blocker.send('hold\n');
    await held();
    let { verdict } = await json<Snapshot>(running, '/v1/snapshot');
    while (verdict.blocked[0]?.client === undefined) ({ verdict } = await json<Snapshot>(running, '/v1/snapshot'));
    expect(await kick(running, { where: 'id>0' })).toMatchObject([{ result: 'blocking' }]);
    open();
    expect(await blocker.line()).toBe('held');
  });

  it('keeps to its pace, and ends when nobody listens any more', async () => {
    await using running = await start(service('commands'), { control: socketIn(testFolder()) });
    const peers = await Promise.all(Array.from({ length: 12 }, () => running.connect()));
    for (const peer of peers) expect(await peer.ask('echo hello')).toBe('hello');
    const begun = performance.now();
    expect(await kick(running, { where: 'id<=4', perSecond: 20 })).toHaveLength(4);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(150);
    const socket = connect(running.server.controlPath as string);
    const body = JSON.stringify({ where: 'id>4', perSecond: 2 });
    socket.write(
      `POST /v1/kick HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, 'data');
    socket.destroy();
    const closed = (await running.all('close')).length;
    expect(closed).toBeLessThan(8);
    for (const peer of peers) await peer.leave();
    await running.seen('close', 12);
    expect(running.server.stats().closes.kicked).toBeLessThan(9);
  });
});
