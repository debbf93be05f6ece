import { once } from 'node:events';
import { Agent, createServer, type RequestListener, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { askJson, askLines } from '../../../src/cli/control/ask.ts';
import { testFolder } from '../../support/folder.ts';

afterEach(() => vi.restoreAllMocks());

/** A server that answers with `listener`; gives its socket. */
async function answering(listener: RequestListener): Promise<string> {
  const path = join(testFolder(), 'x.sock');
  const server = createServer(listener).listen(path);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return path;
}

/** Notes for how long sockets may be silent, from the last to the first. */
function silences(): { readonly ms: number; readonly socket: Socket }[] {
  const all: { readonly ms: number; readonly socket: Socket }[] = [];
  const { setTimeout } = Socket.prototype;
  vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function note(this: Socket, ms, ...more) {
    if (ms > 0) all.unshift({ ms, socket: this });
    return setTimeout.call(this, ms, ...more);
  });
  return all;
}

describe('what is asked at a control socket', () => {
  it('is answered line by line, wherever the pieces end', async () => {
    const path = await answering((_request, response) => {
      response.write('{"id":1}\n{"i');
      setImmediate(() => response.end('d":2}\n{"id":3}'));
    });
    const lines: unknown[] = [];
    for await (const line of askLines(path, '/')) lines.push(line);
    expect(lines).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  it('may take as long between two lines as the pace of a kick says', async () => {
    let ended: ServerResponse | undefined;
    const path = await answering((_request, response) => {
      response.write('1\n');
      ended = response;
    });
    const all = silences();
    const lines = askLines(path, '/v1/kick', { body: {}, pauseMs: 60_000 });
    expect(await lines.next()).toMatchObject({ value: 1 });
    expect(all[0]?.ms).toBe(70_000);
    ended?.end('2\n');
    expect(await lines.next()).toMatchObject({ value: 2 });
    expect(await lines.next()).toMatchObject({ done: true });
  });

  it('fails with HEDDLE_TIMEOUT if the server falls silent in the middle of its answer', async () => {
    const path = await answering((_request, response) => void response.write('1\n'));
    const all = silences();
    const lines = askLines(path, '/v1/clients');
    await lines.next();
    all[0]?.socket.emit('timeout');
    await expect(lines.next()).rejects.toMatchObject({ name: 'HeddleError', code: 'HEDDLE_TIMEOUT' });
  });

  it('fails with HEDDLE_TIMEOUT if the server does not answer', async () => {
    const all = silences();
    const path = await answering(() => all[0]?.socket.emit('timeout'));
    const asked = askJson(path, '/v1/snapshot');
    await expect(asked).rejects.toMatchObject({ name: 'HeddleError', code: 'HEDDLE_TIMEOUT' });
  });

  it.each<[string, RequestListener, RegExp]>([
    [
      'ends in the middle of its answer',
      (_request, response) => {
        response.write('1\n', () => response.socket?.destroySoon());
      },
      /ended in the middle of its answer/,
    ],
    ['says what is no JSON', (_request, response) => void response.end('<html>\n'), /is no Heddle server: it sent/],
    ['says nothing at all', (_request, response) => void response.socket?.destroy(), /Cannot reach the server/],
  ])('fails with HEDDLE_CONNECT if the server %s', async (_what, listener, message) => {
    const path = await answering(listener);
    const lines = askLines(path, '/v1/clients');
    await expect(lines.next().then(async () => lines.next())).rejects.toMatchObject({
      name: 'HeddleError',
      code: 'HEDDLE_CONNECT',
      message: expect.stringMatching(message),
    });
  });

  it('fails with what the server says against the question', async () => {
    const path = await answering((_request, response) => {
      response.writeHead(400).end('{"error":{"message":"sort is one of age"}}\n');
    });
    const asked = askJson(path, '/v1/clients');
    await expect(asked).rejects.toMatchObject({ code: 'HEDDLE_INVALID_OPTION', message: 'sort is one of age' });
  });

  it('has one connection for all questions of an agent, and one for each without', async () => {
    const connections = new Set<Socket>();
    const path = await answering(({ socket }, response) => void response.end(`${connections.add(socket).size}\n`));
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    for (let asked = 0; asked < 3; asked++) expect(await askJson(path, '/', { agent })).toBe(1);
    expect([await askJson(path, '/'), await askJson(path, '/')]).toEqual([2, 3]);
  });

  it('is asked again where a server closes the connection that was kept, and only then', async () => {
    const asked: string[] = [];
    const path = await answering(({ socket, url = '' }, response) => {
      asked.push(url);
      if (asked.length === 2 || url === '/gone') socket.destroy();
      else response.end('1\n');
    });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    expect(await askJson(path, '/first', { agent })).toBe(1);
    expect(await askJson(path, '/second', { agent })).toBe(1);
    await expect(askJson(path, '/gone', { agent })).rejects.toMatchObject({ code: 'HEDDLE_CONNECT' });
    expect(asked).toEqual(['/first', '/second', '/second', '/gone']);
  });
});
