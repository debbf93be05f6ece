import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, here, run, Running } from './processes.ts';

/** A service whose messages begin a loop that does not end, or end their thread. */
const SERVICE = `
import { defineService } from '${pathToFileURL(here('../../dist/index.js')).href}';
function slowReport() {
  for (let n = 0; ; n = Math.sqrt(n + 1));
}
export default defineService({
  framing: 'line',
  message: (line) => (String(line) === 'burn' ? slowReport() : process.exit(1)),
});
`;

async function serving(threads: number) {
  const runtime = testFolder();
  const service = join(runtime, 'report.mjs');
  writeFileSync(service, SERVICE);
  const args = [
    'serve',
    service,
    '--handler-timeout',
    'never',
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--threads',
    `${threads}`,
  ];
  const server = new Running(process.execPath, [HEDDLE, ...args], { XDG_RUNTIME_DIR: runtime });
  const [, port] = await server.shows(/^Server running on port (\d+)$/m);
  const say = async (text: string) => {
    const socket = connect(Number(port), '127.0.0.1').on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    socket.write(text);
  };
  const logs = async (pattern: RegExp) => {
    while (!pattern.test(server.stderr)) await once(server.child.stderr as Readable, 'data');
  };
  return Object.assign(server, { runtime, say, logs });
}

/** For what the server does by and by. */
const WAIT = { timeout: 60_000, interval: 20 };

type Serving = Awaited<ReturnType<typeof serving>>;

function profile({ runtime }: Serving, ...args: string[]) {
  return run(process.execPath, [HEDDLE, 'profile', ...args], '', { XDG_RUNTIME_DIR: runtime });
}

function profiling({ runtime }: Serving, ...args: string[]) {
  return new Running(process.execPath, [HEDDLE, 'profile', ...args], { XDG_RUNTIME_DIR: runtime });
}

/** The threads on which V8 samples. */
function samplers({ child }: Serving): number {
  const tasks = `/proc/${child.pid}/task`;
  return readdirSync(tasks).filter((tid) => readFileSync(join(tasks, tid, 'comm'), 'utf8').includes('ProfEvntProc'))
    .length;
}

describe('heddle profile', () => {
  it('names the function that blocks a thread, without being told which thread, and writes what an editor opens', async () => {
    await using server = await serving(2);
    const output = join(server.runtime, 'slow.cpuprofile');
    await server.say('burn\n');
    await server.logs(/Thread \d has been blocked for/);
    const events = await run(process.execPath, [HEDDLE, 'events'], '', { XDG_RUNTIME_DIR: server.runtime });
    expect(events).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/Thread \d has been blocked for .* by client/),
    });
    const { status, stderr, stdout } = await profile(server, '--for', '300ms', '-o', output);
    expect(stderr).toMatch(/^Thread \d is profiled: it has been blocked for .* by client #1 /);
    expect(stdout).toMatch(
      /^Thread \d ran code for .*\n\n *SELF +TOTAL +FUNCTION\n *\d+ % +\d+ % +slowReport report\.mjs:4\n/,
    );
    expect(status).toBe(0);
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(output, 'utf8')) as Record<string, unknown[]>;
    expect(samples?.length).toBe(timeDeltas?.length);
    expect(nodes).toContainEqual(
      expect.objectContaining({ callFrame: expect.objectContaining({ functionName: 'slowReport' }) }),
    );
    const all = await profile(server, '--for', '100ms', '--thread', 'all', '-o', output);
    expect(all).toMatchObject({ status: 0, stdout: expect.stringMatching(/^2 threads together .*\n[^]*slowReport/) });
    expect(await profile(server, '--thread', '9')).toMatchObject({
      status: 1,
      stderr: 'There is no thread 9. Take one of 1, 2\n',
    });
  });

  it('is taken once at a time; Ctrl-C ends it, and leaves neither a file nor a profiler', async () => {
    await using server = await serving(1);
    const output = join(server.runtime, 'slow.cpuprofile');
    await using first = profiling(server, '--thread', '1', '--for', '1m', '-o', output);
    await vi.waitUntil(() => samplers(server) > 0, WAIT);
    const second = await profile(server, '--thread', '1', '-o', output);
    expect(second).toMatchObject({ status: 1, stderr: expect.stringContaining('Another profile is being taken') });
    first.child.kill('SIGINT');
    expect(await first.finished()).toMatchObject({
      status: 130,
      stderr: expect.stringContaining('no file was written'),
    });
    await vi.waitUntil(() => samplers(server) === 0, WAIT);
    expect(readdirSync(server.runtime).filter((name) => name.includes('cpuprofile'))).toEqual([]);
  });

  it('says so of a thread that ends meanwhile, and of a server that does', async () => {
    await using server = await serving(1);
    const output = join(server.runtime, 'slow.cpuprofile');
    await using first = profiling(server, '--thread', '1', '--for', '1m', '-o', output);
    await vi.waitUntil(() => samplers(server) > 0, WAIT);
    await server.say('exit\n');
    const message = 'There is no profile of thread 1. It ended meanwhile; the log says why\n';
    expect(await first.finished()).toMatchObject({ status: 1, stderr: message });
    await using other = await serving(1);
    await using second = profiling(other, '--thread', 'all', '--for', '1m', '-o', output);
    await vi.waitUntil(() => samplers(other) > 0, WAIT);
    other.child.kill('SIGKILL');
    expect(await second.finished()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('it ended before it answered'),
    });
  });
});
