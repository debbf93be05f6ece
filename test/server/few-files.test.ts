import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Peer } from './peer.ts';
import { TIMEOUT_MS, noWaitForFiles, service } from './running.ts';

const SCRIPT = fileURLToPath(new URL('./few-files.mjs', import.meta.url));

interface Said {
  readonly type: string;
  readonly port?: number;
  readonly code?: string;
  readonly message?: string;
  readonly cause?: string;
  readonly acceptPauses?: Readonly<Record<string, number>>;
}

/** A server in a process that may have `files` files open; it ends with the test. */
class FewFiles {
  readonly said: Said[] = [];
  readonly #input: Writable;

  constructor(files: number, options: object) {
    const command = `ulimit -n ${files}; exec "$0" "$@"`;
    const args = ['-c', command, process.execPath, SCRIPT, JSON.stringify(options)];
    const child = spawn('/bin/sh', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#input = child.stdin;
    createInterface(child.stdout).on('line', (line) => this.said.push(JSON.parse(line) as Said));
    const closed = once(child, 'close');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await closed;
    });
  }

  /** Asks how often accepting has paused, by cause; once. */
  async pauses(): Promise<Said['acceptPauses']> {
    this.#input.write('?');
    return (await this.says('stats')).acceptPauses;
  }

  /** Resolves with the first thing of `type` that it says. */
  says(type: string): Promise<Said> {
    const find = (): Said => {
      const said = this.said.find((record) => record.type === type);
      if (said === undefined) throw new Error(`it has not said ${type}`);
      return said;
    };
    return vi.waitFor(find, { timeout: TIMEOUT_MS, interval: 10 });
  }
}

async function port(server: FewFiles): Promise<number> {
  return (await server.says('listening')).port ?? 0;
}

/** Connects clients that end with the test. */
async function dial(at: number, count: number): Promise<Peer[]> {
  const peers = await Peer.connectAll(at, count);
  onTestFinished(async () => void (await Promise.all(peers.map((peer) => peer.leave()))));
  return peers;
}

describe('a process with few files', { timeout: 60_000 }, () => {
  it('serves the clients that there is room for, and all others as these leave', async () => {
    const at = await port(new FewFiles(130, { service: service('echo').href, framing: 'line', threads: 2 }));
    const peers = await dial(at, 300);
    const served = peers.map(async (peer, index) => {
      expect(await peer.ask(`I am ${index}`)).toBe(`I am ${index}`);
      await peer.leave();
    });
    await Promise.all(served);
  });

  it.skipIf(noWaitForFiles)(
    'that runs out of them goes on serving, and serves all who wait once there are some again',
    async () => {
      const server = new FewFiles(130, { service: service('eats-files').href, threads: 1 });
      const at = await port(server);
      const [eater, ...old] = (await dial(at, 5)) as [Peer, ...Peer[]];
      for (const peer of old) await peer.ask('echo before');
      expect(await eater.ask('take 10')).toMatch(/^took \d+$/);
      const late = await dial(at, 40);
      const answers = late.map((peer, index) => peer.ask(`echo ${index}`));
      expect((await server.says('accept-paused')).cause).toBe('EMFILE');
      for (const peer of old) expect(await peer.ask('echo meanwhile')).toBe('meanwhile');
      expect(await eater.ask('give')).toBe('gave');
      expect(await Promise.all(answers)).toEqual(late.map((_, index) => String(index)));
      expect(await server.pauses()).toEqual({ 'no-files': expect.any(Number), 'no-memory': 0, 'max-clients': 0 });
      expect(server.said.filter(({ type }) => type === 'accept-paused')).toHaveLength(1);
    },
  );

  it.each([
    [28, 1],
    [115, 60],
  ])('of which there are only %i for %i threads does not start, and says what to do', async (files, threads) => {
    expect(await new FewFiles(files, { threads }).says('refused')).toMatchObject({
      code: expect.stringMatching(/^HEDDLE_(UNSUPPORTED|THREAD_EXIT)$/),
      message: expect.stringMatching(
        new RegExp(`this process may have ${files}, and needs more\\. .* ulimit -n 1024 .*`),
      ),
    });
  });

  it('refuses to start with more clients than it can have, and says what to do', async () => {
    const server = new FewFiles(130, { threads: 1, maxClients: 100 });
    expect(await server.says('refused')).toEqual({
      type: 'refused',
      code: 'HEDDLE_INVALID_OPTION',
      message: expect.stringMatching(/^options.maxClients must be at most 65 .*, got 100\. .*ulimit -n 172/),
    });
  });
});
