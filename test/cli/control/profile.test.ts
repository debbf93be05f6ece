import { once, EventEmitter } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runProfile, type ProfileFlags } from '../../../src/cli/control/profile.ts';
import { testFolder } from '../../support/folder.ts';

const SLOW = { functionName: 'slowReport', url: 'file:///nowhere/report.js', lineNumber: 40, columnNumber: 0 };
const ROOT = { functionName: '(root)', url: '', lineNumber: -1, columnNumber: -1 };
const PROFILE = {
  nodes: [
    { id: 1, callFrame: ROOT, children: [2] },
    { id: 2, callFrame: SLOW, positionTicks: [{ line: 43, ticks: 2 }] },
  ],
  samples: [2, 2],
  timeDeltas: [0, 1000],
  startTime: 0,
  endTime: 2000,
};

/** A server that answers with `answer`, and the command that asks it. */
async function profiling(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  flags: ProfileFlags = {},
) {
  const folder = testFolder();
  const path = join(folder, 'x.sock');
  const server = createServer(answer).listen(path);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const signals = new EventEmitter();
  const output = join(folder, 'slow.cpuprofile');
  const terminal = { stdin: new PassThrough(), stdout, stderr };
  const status = runProfile(path, { output, thread: '3', for: '100ms', ...flags }, {}, terminal, signals);
  const said = async (stream: PassThrough) => textOf(stream.end());
  return { status, signals, output, folder, stdout: async () => said(stdout), stderr: async () => said(stderr) };
}

function json(response: ServerResponse, ...values: object[]): void {
  response.end(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

describe('heddle profile', () => {
  it('says which functions are heaviest, and writes the profile', async () => {
    const asked: string[] = [];
    const run = await profiling((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      json(response, PROFILE);
    });
    expect(await run.status).toBe(0);
    expect(asked).toEqual(['POST /v1/threads/3/profile']);
    expect(await run.stdout()).toBe(
      'Thread 3 ran code for 2 ms of 2 ms: 100 %.\n\n SELF  TOTAL  FUNCTION\n100 %  100 %  slowReport report.js:43\n',
    );
    expect(JSON.parse(readFileSync(run.output, 'utf8'))).toEqual(PROFILE);
    expect(await run.stderr()).toBe(`The profile of thread 3 is in ${run.output}\n`);
  });

  it('writes a file for each thread, of all, and fails if one has no profile', async () => {
    const lines = [
      { thread: 1, profile: PROFILE },
      { thread: 2, problem: 'It ended meanwhile' },
      { thread: 4, profile: PROFILE },
    ];
    const run = await profiling((_request, response) => json(response, ...lines), { thread: 'all' });
    expect(await run.status).toBe(1);
    expect(readdirSync(run.folder).filter((name) => name.includes('slow'))).toEqual([
      'slow-thread-1.cpuprofile',
      'slow-thread-4.cpuprofile',
    ]);
    expect(await run.stdout()).toContain('2 threads together ran code for 4 ms of 4 ms');
    expect(await run.stderr()).toContain('Thread 2 has no profile. It ended meanwhile');
  });

  it('says nothing of functions where no thread has a profile', async () => {
    const run = await profiling((_request, response) => json(response, { thread: 1, problem: 'It has just ended' }), {
      thread: 'all',
    });
    expect(await run.status).toBe(1);
    expect(await run.stdout()).toBe('');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('ends with %s at once, and leaves the file that was there', async (signal, status) => {
    let isLeft: Promise<unknown> | undefined;
    const run = await profiling((request) => {
      isLeft = once(request.socket, 'close');
      run.signals.emit(signal);
    });
    writeFileSync(run.output, 'before');
    expect(await run.status).toBe(status);
    await isLeft;
    expect(readFileSync(run.output, 'utf8')).toBe('before');
    expect(readdirSync(run.folder).sort()).toEqual(['slow.cpuprofile', 'x.sock']);
    expect(run.signals.eventNames()).toEqual([]);
  });

  it('says so if the server goes before it has answered, or in the middle, and leaves no file', async () => {
    const before = await profiling((request) => void request.socket.destroy());
    await expect(before.status).rejects.toMatchObject({ message: expect.stringContaining('ended before it answered') });
    const inside = await profiling((request, response) => {
      response.write('{"nodes":', () => request.socket.destroy());
    });
    await expect(inside.status).rejects.toMatchObject({ message: expect.stringContaining('in the middle') });
    expect(existsSync(inside.output)).toBe(false);
  });

  it('fails with the words of a server that refuses', async () => {
    const run = await profiling((_request, response) => {
      response.writeHead(409);
      json(response, { error: { message: 'Another profile is being taken' } });
    });
    await expect(run.status).rejects.toThrow('Another profile is being taken');
  });

  it.each([
    [{ thread: 'x' }, '--thread is'],
    [{ for: '99ms' }, '--for is a duration from 100ms to 1m'],
    [{ for: '2m' }, '--for is a duration'],
    [{ output: '/nowhere/at/all' }, 'Cannot write /nowhere/at/all: ENOENT'],
  ] as const)('refuses %j before anybody is asked', async (flags, message) => {
    let asked = 0;
    const run = await profiling(() => void asked++, flags);
    await expect(run.status).rejects.toMatchObject({
      code: 'HEDDLE_INVALID_OPTION',
      message: expect.stringContaining(message),
    });
    expect(asked).toBe(0);
  });
});
