/** A server whose user may have no more threads: with a user of its own, since a limit of processes does not bind root. */
import { chmodSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { ServerEvent } from '../../src/log/event.ts';
import { Peer } from '../server/peer.ts';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, run, Running } from './processes.ts';

const TIMEOUT_MS = 60_000;
const SERVICE = `export default {
  framing: 'line',
  message(line) {
    for (const end = performance.now() + Number(line); performance.now() < end; );
    return line;
  },
};
`;

/** Nobody else has this user's threads. */
const USER = 1_900_000_000 + process.pid;
const asUser = ['--reuid', String(USER), '--clear-groups'];
const mayBeAnother = (await run('setpriv', [...asUser, 'test', '-r', HEDDLE])).status === 0;

class LimitedServer {
  readonly #running: Running;

  constructor(service: string) {
    const args = ['serve', service, '--host', '127.0.0.1', '--port', '0', '--threads', '2..8', '--log-format', 'json'];
    this.#running = new Running('setpriv', [...asUser, process.execPath, HEDDLE, ...args]);
  }

  get events(): readonly ServerEvent[] {
    const lines = this.#running.stdout.split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as ServerEvent);
  }

  async port(): Promise<number> {
    return Number((await this.#running.shows(/"port":(\d+)/))[1]);
  }

  /** How many threads the process has. */
  async threads(): Promise<number> {
    return (await readdir(`/proc/${this.#running.child.pid}/task`)).length;
  }

  async limit(threads: number): Promise<void> {
    const words = ['prlimit', '--pid', String(this.#running.child.pid), `--nproc=${threads}:`];
    const { status, stderr } = await run('setpriv', [...asUser, ...words]);
    if (status !== 0) throw new Error(stderr);
  }

  async says(type: ServerEvent['type'], count = 1): Promise<readonly ServerEvent[]> {
    const said = (): readonly ServerEvent[] => this.events.filter((event) => event.type === type);
    await vi.waitUntil(() => said().length >= count, { timeout: TIMEOUT_MS });
    return said();
  }

  reload(): void {
    this.#running.child.kill('SIGHUP');
  }

  async end(): Promise<number | null> {
    this.#running.child.kill('SIGTERM');
    return (await this.#running.finished()).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
  }
}

it.skipIf(!mayBeAnother)('a server at the limit of threads serves all, and grows when it is lifted', async () => {
  const folder = testFolder();
  chmodSync(folder, 0o755);
  const service = join(folder, 'service.mjs');
  writeFileSync(service, SERVICE);
  await using server = new LimitedServer(service);
  const port = await server.port();
  await server.limit(await server.threads());
  const peers = await Peer.connectAll(port, 6);
  expect(await Promise.all(peers.map(async (peer) => peer.ask('100')))).toEqual(peers.map(() => '100'));
  expect(await server.says('threads-limited')).toMatchObject([
    { threads: expect.any(Number), detail: expect.stringMatching(/\(EAGAIN\).* ulimit -u \d+ /) },
  ]);

  server.reload();
  await server.says('reload-failed');
  await server.limit(4096);
  server.reload();
  await server.says('reload');
  expect(server.events.some(({ type }) => type === 'thread-exit')).toBe(false);
  const { length: started } = await server.says('thread-start');
  const answers = Promise.all(peers.map(async (peer) => peer.ask('2000')));
  await server.says('thread-start', started + 1);
  await answers;
  for (const peer of peers) await peer.leave();
  expect(await server.end()).toBe(0);
});
