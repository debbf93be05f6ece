/** Handlers in system calls that do not return: V8 cannot end such a thread. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { Peer } from '../server/peer.ts';
import { ENGINE } from '../server/running.ts';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, Running } from './processes.ts';

const TIMEOUT_MS = 60_000;
/** How long the system call takes, in s: longer than anything here waits for. */
const CALL_S = 30;
/** How long a process may take to end, on any machine, in ms: one that waits for the call, or for the usual shutdownTimeout, takes longer. */
const END_MS = 14_000;
const SERVICE = `import { execSync } from 'node:child_process';
export default {
  framing: 'line',
  message(line) {
    if (String(line) === 'call') execSync('exec sleep ${CALL_S}', { stdio: 'ignore' });
    return line;
  },
};
`;

class Blocked implements AsyncDisposable {
  readonly running: Running;

  constructor(...args: string[]) {
    const service = join(testFolder(), 'service.mjs');
    writeFileSync(service, SERVICE);
    const always = ['serve', service, '--host', '127.0.0.1', '--port', '0', '--log-format', 'json', '--engine', ENGINE];
    this.running = new Running(process.execPath, [HEDDLE, ...always, ...args]);
  }

  async port(): Promise<number> {
    return Number((await this.running.shows(/"port":(\d+)/))[1]);
  }

  count(type: string): number {
    return this.running.stdout.split(`{"type":"${type}"`).length - 1;
  }

  async says(type: string, count = 1): Promise<void> {
    await vi.waitUntil(() => this.count(type) >= count, { timeout: TIMEOUT_MS });
  }

  /** Resolves with how long the process lives after `signals`, in ms, and its status. */
  async ends(...signals: NodeJS.Signals[]): Promise<{ readonly ms: number; readonly status: number | null }> {
    const begun = performance.now();
    for (const signal of signals) {
      this.running.child.kill(signal);
      await delay(100); // The same signal sooner is an echo of the first.
    }
    const exited = new Promise<number | null>((resolve) => this.running.child.once('exit', resolve));
    const status = this.running.child.exitCode ?? (await exited);
    return { ms: performance.now() - begun, status };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
  }
}

async function serves(port: number): Promise<void> {
  await using peer = await Peer.connect(port);
  expect(await peer.ask('light')).toBe('light');
  await peer.leave();
}

describe('threads whose handlers are in a system call', () => {
  it('are lost after handlerTimeout: others take their places, and SIGTERM ends the process in time', async () => {
    // The net engine cannot cut off their clients, and waits for them.
    const shutdownTimeout = ENGINE === 'epoll' ? '20s' : '2s';
    await using server = new Blocked(
      '--threads',
      '2',
      '--handler-timeout',
      '1s',
      '--shutdown-timeout',
      shutdownTimeout,
    );
    const port = await server.port();
    const callers = await Peer.connectAll(port, 2);
    for (const caller of callers) caller.send('call\n');
    await server.says('thread-lost', 2);
    await serves(port);
    if (ENGINE === 'epoll') {
      for (const caller of callers) await caller.over();
      expect(server.running.stdout).toMatch(/"type":"close".*"reason":"handler-timeout"/);
    }
    const { ms, status } = await server.ends('SIGTERM');
    expect(status).toBe(0);
    expect(ms).toBeLessThan(END_MS);
    await Promise.all(callers.map(async (caller) => caller.over()));
  });

  it('do not outlive shutdownTimeout for long', async () => {
    await using server = new Blocked('--threads', '2', '--shutdown-timeout', '1s');
    const callers = await Peer.connectAll(await server.port(), 2);
    for (const caller of callers) caller.send('call\n');
    await server.says('open', 2);
    await delay(200);
    const { ms, status } = await server.ends('SIGTERM');
    expect(status).toBe(0);
    expect(ms).toBeGreaterThan(1_000);
    expect(ms).toBeLessThan(END_MS);
    expect(server.count('close')).toBe(2);
  });

  it('do not outlive the second signal for long', async () => {
    await using server = new Blocked('--threads', '2');
    const callers = await Peer.connectAll(await server.port(), 2);
    for (const caller of callers) caller.send('call\n');
    await server.says('open', 2);
    await delay(200);
    const { ms, status } = await server.ends('SIGTERM', 'SIGTERM');
    expect(status).toBe(143);
    expect(ms).toBeLessThan(END_MS);
  });
});
