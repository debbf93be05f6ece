import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HeddleError } from '../../../src/errors.ts';
import { Feed } from '../../../src/cli/page/feed.ts';
import { PageServer, policyFor } from '../../../src/cli/page/page-server.ts';
import { placeOf, sendRequest } from '../../../src/cli/page/send.ts';
import { sample } from '../../admin/view/sample.ts';

const HTML = '<style>a{}</style><script>1</script>';

async function open(isReadOnly = false, limits?: { readonly headersTimeout: number; readonly requestTimeout: number }) {
  const { snapshot, waiting } = sample();
  const { time, verdict } = snapshot;
  const feed = new Feed({
    watch: async function* () {
      yield { schema: 1, time, verdict, moved: [], left: [], sample: { snapshot, waiting } };
    },
    watchedMs: 50,
    unwatchedMs: 50,
  });
  await feed.start();
  const sent: unknown[] = [];
  const send = async ({ text }: { readonly text: string }) => {
    sent.push(text);
    return { reply: '<b>\u2028', bytes: 4, ms: 1, connectMs: 1 };
  };
  const kick = async (id: number) => {
    sent.push(id);
    return { result: 'kicked' };
  };
  const clients = async (query: string) => {
    if (query.includes('wrong')) throw new HeddleError('HEDDLE_INVALID_OPTION', 'That is no condition');
    return [query];
  };
  const actions = isReadOnly ? {} : { send, kick };
  const server = new PageServer({ html: HTML, feed, clients, ...actions, port: 0, ...(limits && { limits }) });
  const url = new URL(await server.open());
  onTestFinished(() => {
    feed.close();
    server.close();
  });
  const authorization = `Bearer ${server.token}`;
  const ask = (path: string, headers: Record<string, string> = {}, body?: string) => asked(url, path, headers, body);
  return { server, url, sent, authorization, ask };
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** `fetch` sets Host and Origin as it likes. A stream is left after its first piece. */
function asked({ hostname, port }: URL, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({
      hostname,
      port,
      path,
      headers,
      method: body === undefined ? 'GET' : 'POST',
      agent: false,
    });
    asking.once('error', reject);
    asking.once('response', (answer) => {
      let text = '';
      const done = () => resolve({ status: answer.statusCode, headers: answer.headers, text });
      answer.on('data', (data) => {
        text += String(data);
        if (path !== '/v1/stream' || !text.includes('\n\n') || answer.statusCode !== 200) return;
        done();
        asking.destroy();
      });
      answer.on('end', done).on('error', () => {});
    });
    asking.end(body);
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };

describe('the server of the page', () => {
  it('listens on this machine only, and gives the page with a policy that lets it do nothing else', async () => {
    const { ask, server, url } = await open();
    expect(url.hostname).toBe('127.0.0.1');
    expect(url.hash).toBe(`#${server.token}`);
    const { headers, status, text } = await ask('/');
    expect([status, text]).toEqual([200, HTML]);
    expect(text).not.toContain(server.token);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': policyFor(HTML),
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    const hash = createHash('sha256').update('1').digest('base64');
    expect(policyFor(HTML)).toMatch(/^default-src 'none'; /);
    expect(policyFor(HTML)).toContain(`script-src 'sha256-${hash}';`);
  });

  it.each(['evil.example', 'localhost.evil.example'])('refuses the Host %j: DNS rebinding', async (host) => {
    const { ask, authorization } = await open();
    for (const path of ['/', '/v1/stream', '/v1/send'])
      expect((await ask(path, { host, authorization })).status).toBe(421);
  });

  it('tells and sends nothing without the token', async () => {
    const { ask, authorization, sent } = await open();
    for (const wrong of [{}, { authorization: 'Bearer x' }, { authorization: authorization.toLowerCase() }]) {
      expect(await ask('/v1/stream', wrong)).toMatchObject({
        status: 401,
        text: expect.stringContaining('heddle page has printed'),
      });
      expect((await ask('/v1/send', { ...wrong, ...JSON_TYPE }, '{"text":"x"}')).status).toBe(401);
    }
    expect(sent).toEqual([]);
  });

  it('refuses a page of another site, even with the token, and what no page may ask for', async () => {
    const { ask, authorization, sent, url } = await open();
    const body = '{"text":"x"}';
    for (const foreign of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ] as const)
      expect((await ask('/v1/send', { authorization, ...JSON_TYPE, ...foreign }, body)).status).toBe(403);
    expect((await ask('/v1/send', { authorization, 'content-type': 'text/plain' }, body)).status).toBe(415);
    expect((await ask('/v1/send', { authorization })).status).toBe(405);
    expect((await ask('/', {}, '')).status).toBe(405);
    expect((await ask('/v1/send', { authorization, ...JSON_TYPE }, 'x'.repeat(20_000))).status).toBe(413);
    expect((await ask('/v1/send', { authorization, ...JSON_TYPE }, 'no JSON')).status).toBe(400);
    expect((await ask('/x', { authorization })).status).toBe(404);
    expect(sent).toEqual([]);
    const own = { authorization, ...JSON_TYPE, origin: url.origin, 'sec-fetch-site': 'same-origin' };
    expect(await ask('/v1/send', own, body)).toMatchObject({
      status: 200,
      text: expect.stringContaining('<b>\\u2028'),
    });
    expect(sent).toEqual(['x']);
  });

  it('lists the clients that are asked for, and passes on why a question is none', async () => {
    const { ask, authorization } = await open();
    expect(JSON.parse((await ask('/v1/clients?where=id%3D1', { authorization })).text)).toEqual(['?where=id%3D1']);
    const refused = await ask('/v1/clients?where=wrong', { authorization });
    expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('That is no condition') });
    expect((await ask('/v1/clients')).status).toBe(401);
  });

  it('kicks one client, which its number names', async () => {
    const { ask, authorization, sent } = await open();
    for (const body of ['{}', '{"id":"1"}', '{"id":-1}', '[]', 'null'])
      expect((await ask('/v1/kick', { authorization, ...JSON_TYPE }, body)).status).toBe(400);
    expect((await ask('/v1/kick', { authorization })).status).toBe(405);
    expect(
      (await ask('/v1/kick', { authorization, origin: 'http://evil.example', ...JSON_TYPE }, '{"id":7}')).status,
    ).toBe(403);
    expect(sent).toEqual([]);
    const kicked = await ask('/v1/kick', { authorization, ...JSON_TYPE }, '{"id":7}');
    expect([kicked.status, kicked.text, sent]).toEqual([200, '{"result":"kicked"}', [7]]);
  });

  it('neither sends nor kicks if it may only show', async () => {
    const { ask, authorization, sent } = await open(true);
    expect((await ask('/v1/stream', { authorization })).text).toContain('"rights":{"kick":false,"send":false}');
    for (const [path, body] of [
      ['/v1/kick', '{"id":7}'],
      ['/v1/send', '{"text":"x"}'],
    ] as const)
      expect(await ask(path, { authorization, ...JSON_TYPE }, body)).toMatchObject({
        status: 403,
        text: expect.stringContaining('--read-only'),
      });
    expect(sent).toEqual([]);
  });

  it('closes a request whose head or body does not come in time', async () => {
    const { authorization, url } = await open(false, { headersTimeout: 1, requestTimeout: 2 });
    const head = `POST /v1/send HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: ${authorization}\r\n`;
    const slow = ['GET / HT', `${head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`];
    await Promise.all(
      slow.map(async (text) => {
        const socket = connect(Number(url.port), url.hostname);
        onTestFinished(() => void socket.destroy());
        socket.write(text);
        const [answer] = (await once(socket, 'data')) as [Buffer];
        expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
        await once(socket.resume(), 'close');
      }),
    );
  }, 15_000);

  it('streams what was seen before, then what happens, to eight pages at most', async () => {
    const { ask, authorization, url } = await open();
    const { headers, text } = await ask('/v1/stream', { authorization });
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(text).toMatch(/^event: hello\ndata: \{"rights":\{"kick":true,"send":true\},"view":.*\}\n\n/);
    const open8 = Array.from({ length: 8 }, () => fetch(new URL('/v1/stream', url), { headers: { authorization } }));
    const streams = await Promise.all(open8);
    expect(streams.every(({ status }) => status === 200)).toBe(true);
    expect(await ask('/v1/stream', { authorization })).toMatchObject({ status: 503 });
    await Promise.all(streams.map(async ({ body }) => body?.cancel()));
  });
});

describe('a message from the page', () => {
  it.each([
    [{}, 'text is what to send'],
    [null, 'text is what to send'],
    [{ text: 'x', framing: 'x' }, 'framing is one of line'],
    [{ text: 'x', tls: 1 }, 'tls is true or false'],
  ])('is refused if it is none: %j', (value, message) => {
    expect(() => sendRequest(value)).toThrow(message);
  });

  it.each([
    ['0.0.0.0:4000', { host: '127.0.0.1', port: 4000 }],
    ['[::]:4000', { host: '::1', port: 4000 }],
    ['10.0.0.1:4000', { host: '10.0.0.1', port: 4000 }],
    ['[fe80::1]:4000', { host: 'fe80::1', port: 4000 }],
    ['unix:/run/x.sock', { unix: '/run/x.sock' }],
  ])('goes to where the server listens: %s', (address, place) => {
    expect(placeOf(address)).toEqual(place);
  });
});
