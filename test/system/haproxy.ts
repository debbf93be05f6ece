/** HAProxy in front of a server under test. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { quietPort } from '../support/quiet-port.ts';
import { Running } from './processes.ts';

export class Haproxy implements AsyncDisposable {
  readonly port: number;
  readonly running: Running;
  readonly #directory: string;

  private constructor(port: number, running: Running, directory: string) {
    this.port = port;
    this.running = running;
    this.#directory = directory;
  }

  /**
   * Starts HAProxy before `target`: a port of 127.0.0.1, or the path of a Unix socket. `words` are what it is told of that
   * server, `checks` how it looks after it.
   */
  static async start(target: number | string, words: string, checks: readonly string[] = []): Promise<Haproxy> {
    const port = await quietPort();
    const directory = mkdtempSync(join(tmpdir(), 'heddle-haproxy-'));
    const lines = [
      'global',
      '  log stdout format raw local0',
      '  maxconn 100',
      'defaults',
      '  mode tcp',
      '  log global',
      '  timeout connect 10s',
      '  timeout client 30s',
      '  timeout server 30s',
      // A check that is answered late on a busy machine has not failed. To connect and shake hands it has as long as `inter`.
      '  timeout check 10s',
      'listen front',
      `  bind 127.0.0.1:${port}`,
      ...checks.map((line) => `  ${line}`),
      `  server heddle ${typeof target === 'number' ? `127.0.0.1:${target}` : `unix@${target}`} ${words}`,
    ];
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const running = new Running('haproxy', ['-db', '-f', file]);
    return new Haproxy(port, running, directory);
  }

  /** Connects from `address` once HAProxy listens. */
  dial(address: string): Promise<Socket> {
    const attempt = async (): Promise<Socket> => {
      const socket = connect({ port: this.port, host: '127.0.0.1', localAddress: address }).on('error', () => {});
      await once(socket, 'connect');
      return socket;
    };
    return vi.waitFor(attempt, { timeout: 30_000, interval: 10 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true });
  }
}

/** Sends `message` and resolves with what comes back first. */
export async function ask(socket: Socket, message: string): Promise<string> {
  socket.write(message);
  const [reply] = await once(socket, 'data');
  return String(reply);
}
