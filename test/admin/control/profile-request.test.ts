import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Controlled, ProfileRequest } from '../../../src/admin/control/controlled.ts';
import { controlReply } from '../../../src/admin/control/requests.ts';
import type { Reply } from '../../../src/admin/reply.ts';
import type { ThreadProfile } from '../../../src/admin/stacks/profiler.ts';

const PROFILE = { nodes: [], samples: [], timeDeltas: [], startTime: 0, endTime: 0 };
const JSON_HEAD = { 'content-type': 'application/json' };

function asked(threads: string, body: unknown, headers: IncomingMessage['headers'] = JSON_HEAD, method = 'POST') {
  const request = Readable.from([Buffer.from(JSON.stringify(body))]);
  const url = `/v1/threads/${threads}/profile`;
  return Object.assign(request, { method, url, headers, socket: new EventEmitter() }) as unknown as IncomingMessage;
}

function controlled(profile: (request: ProfileRequest) => Promise<readonly ThreadProfile[]>): Controlled {
  return { profile } as Controlled;
}

const NEVER = controlled(async () => Promise.reject(new Error('Nobody is to be profiled')));

async function textOf(reply: Reply | undefined): Promise<string> {
  if (reply === undefined || 'text' in reply) return reply?.text ?? '';
  const lines: string[] = [];
  for await (const line of reply.lines) lines.push(line);
  return lines.join('');
}

describe('a profile that is asked for at the control socket', () => {
  it('is a .cpuprofile, of a thread and for as long as was said', async () => {
    const requests: ProfileRequest[] = [];
    const server = controlled(async (request) => (requests.push(request), [{ thread: 3, profile: PROFILE }]));
    const reply = await controlReply(asked('3', { ms: 250 }), server);
    expect(reply).toMatchObject({ status: 200 });
    expect(JSON.parse(await textOf(reply))).toEqual(PROFILE);
    expect(requests).toMatchObject([{ threads: 3, ms: 250 }]);
  });

  it('is a line for each thread, of all', async () => {
    const results: ThreadProfile[] = [
      { thread: 1, profile: PROFILE },
      { thread: 2, problem: 'It ended' },
    ];
    const reply = await controlReply(
      asked('all', {}),
      controlled(async () => results),
    );
    expect(
      (await textOf(reply))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(results);
  });

  it('ends when nobody waits for it any more', async () => {
    const request = asked('3', {});
    const server = controlled(
      async ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('left')))),
    );
    const reply = controlReply(request, server);
    setImmediate(() => request.socket.emit('close'));
    await expect(reply).rejects.toThrow('left');
    expect(request.socket.listenerCount('close')).toBe(0);
  });

  it('is an error, and names the thread, if it has none', async () => {
    const reply = await controlReply(
      asked('3', {}),
      controlled(async () => [{ thread: 3, problem: 'It ended meanwhile' }]),
    );
    expect(reply).toMatchObject({ status: 503 });
    expect(await textOf(reply)).toContain('thread 3. It ended meanwhile');
  });

  it('is an action: neither a GET nor a form of another site has one', async () => {
    expect(await controlReply(asked('3', {}, {}, 'GET'), NEVER)).toMatchObject({ status: 405 });
    expect(await controlReply(asked('3', {}, { 'content-type': 'text/plain' }), NEVER)).toMatchObject({ status: 415 });
  });

  it.each([
    ['x', {}],
    ['-1', {}],
    ['', {}],
    ['3', { ms: 99 }],
    ['3', { ms: 60_001 }],
    ['3', { ms: '1s' }],
    ['3', { second: 1 }],
  ])('is refused of thread %j with %j', async (threads, body) => {
    await expect(controlReply(asked(threads, body), NEVER)).rejects.toThrow(RangeError);
  });
});
