import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpPort, openHttpPort } from '../../src/admin/http-port.ts';
import { isOwnName } from '../../src/admin/requests.ts';
import { nameInLibrary } from '../../src/options/source.ts';
import { observed } from './observed.ts';

const watched = {
  state: 'ready' as 'ready' | 'draining',
  ping: async () => {},
  observe: () => observed(2, { state: watched.state }),
};

let httpPort: HttpPort;

beforeEach(async () => {
  watched.state = 'ready';
  watched.ping = async () => {};
  httpPort = await open();
});

afterEach(() => httpPort.close());

function open(): Promise<HttpPort> {
  return openHttpPort(watched, { host: '127.0.0.1', port: 0, hosts: ['metrics.example.org'], nameOf: nameInLibrary });
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly type: string | undefined;
}

function ask(path: string, { headers = {}, method = 'GET', body = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ ...httpPort.address, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          text: Buffer.concat(chunks).toString(),
          type: response.headers['content-type'],
        }),
      );
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

describe('what is asked of the metrics port', () => {
  it('is answered in the format that the request accepts', async () => {
    const plain = await ask('/metrics?x=1');
    expect(plain).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    const openMetrics = await ask('/metrics', { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
    expect(openMetrics).toMatchObject({
      status: 200,
      type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    });
    expect(await ask('/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('is ready until the server drains', async () => {
    expect(await ask('/readyz')).toMatchObject({ status: 200, text: 'ready\n' });
    watched.state = 'draining';
    expect(await ask('/readyz')).toMatchObject({ status: 503, text: 'draining\n' });
  });

  it('is alive while the acceptor answers', async () => {
    expect(await ask('/livez')).toMatchObject({ status: 200 });
    watched.ping = () => Promise.reject(new Error('no thread is free'));
    expect(await ask('/livez')).toMatchObject({ status: 503, text: 'no thread is free\n' });
    watched.ping = () => new Promise<never>(() => {});
    expect(await ask('/livez')).toMatchObject({ status: 503, text: 'no answer within 1000 ms\n' });
  });

  it.each([
    ['another path', '/', {}, 404],
    ['a method that changes something', '/metrics', { method: 'POST' }, 405],
    ['a body', '/metrics', { body: 'x', headers: { 'content-length': '1' } }, 413],
    ['a name that is not the server’s (DNS rebinding)', '/metrics', { headers: { host: 'evil.example' } }, 421],
    ['the same for a probe', '/readyz', { headers: { host: 'evil.example:80' } }, 421],
  ])('is refused: %s', async (_what, path, options, status) => {
    expect((await ask(path, options)).status).toBe(status);
  });

  it('is refused with the option that allows a name, and answered for names that it has', async () => {
    expect((await ask('/readyz', { headers: { host: 'evil.example' } })).text).toContain('metricsHosts');
    expect(await ask('/readyz', { headers: { host: 'Metrics.example.org:9090' } })).toMatchObject({ status: 200 });
  });

  it('is refused from more than 64 connections at once, and taken again when one has left', async () => {
    const clients: Socket[] = [];
    for (let count = 0; count < 64; count++) {
      const socket = connect(httpPort.address.port, httpPort.address.host);
      clients.push(socket);
      socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
    }
    await expect(ask('/readyz')).rejects.toThrow(/hang up|ECONNRESET/);
    const first = clients[0] as Socket;
    first.end();
    await once(first, 'close');
    expect(await ask('/readyz')).toMatchObject({ status: 200 });
    for (const socket of clients) socket.destroy();
  });

  it('is not answered for the name that a proxy passes on: nobody says that there is a proxy', async () => {
    const headers = { 'x-forwarded-host': 'localhost', forwarded: 'host=localhost', host: 'evil.example' };
    expect((await ask('/readyz', { headers })).status).toBe(421);
    const own = { 'x-forwarded-host': 'evil.example', 'x-forwarded-for': '203.0.113.7' };
    expect(await ask('/readyz', { headers: own })).toMatchObject({ status: 200 });
  });

  it('gives no other site leave to read the answer', async () => {
    const answer = await fetch(`http://127.0.0.1:${httpPort.address.port}/metrics`, {
      headers: { origin: 'http://evil.example' },
    });
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    const preflight = await ask('/metrics', { method: 'OPTIONS', headers: { origin: 'http://evil.example' } });
    expect(preflight.status).toBe(405);
  });

  it('is refused where its head is too long', async () => {
    expect((await ask('/readyz', { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(431);
  });
});

it.each([
  ['127.0.0.1:9090', true],
  ['[::1]:9090', true],
  ['10.0.0.4', true],
  ['localhost', true],
  ['LOCALHOST:1', true],
  ['own', true],
  ['localhost.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['', false],
  ['[evil]:80', false],
  ['a b', false],
])('the Host header %j is the server’s own: %s', (host, isOwn) => {
  expect(isOwnName(host, ['own'])).toBe(isOwn);
});

it('a port that is taken is an error that names the option', async () => {
  const { host, port } = httpPort.address;
  await expect(openHttpPort(watched, { host, port, hosts: [], nameOf: nameInLibrary })).rejects.toMatchObject({
    code: 'HEDDLE_LISTEN',
    message: expect.stringMatching(/^Cannot listen for metrics on 127.0.0.1:\d+: EADDRINUSE. .*metrics/),
  });
});
