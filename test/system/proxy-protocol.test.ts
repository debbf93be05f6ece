import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Running, startHeddle } from './processes.ts';

/** A port that was free a moment ago: HAProxy takes no "any". */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

class Haproxy implements AsyncDisposable {
  readonly port: number;
  readonly running: Running;
  readonly #directory: string;

  private constructor(port: number, running: Running, directory: string) {
    this.port = port;
    this.running = running;
    this.#directory = directory;
  }

  /** Starts HAProxy before `127.0.0.1:target`; `words` are what it is told of that server, `checks` how it looks after it. */
  static async start(target: number, words: string, checks: readonly string[] = []): Promise<Haproxy> {
    const port = await freePort();
    const directory = mkdtempSync(join(tmpdir(), 'heddle-haproxy-'));
    const lines = [
      'global',
      '  log stdout format raw local0',
      '  maxconn 100',
      'defaults',
      '  mode tcp',
      '  log global',
      '  timeout connect 5s',
      '  timeout client 30s',
      '  timeout server 30s',
      'listen front',
      `  bind 127.0.0.1:${port}`,
      ...checks.map((line) => `  ${line}`),
      `  server heddle 127.0.0.1:${target} ${words}`,
    ];
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const running = new Running('haproxy', ['-db', '-f', file]);
    return new Haproxy(port, running, directory);
  }

  /** Connects from `address` once HAProxy listens. */
  dial(address: string): Promise<Socket> {
    const attempt = async (): Promise<Socket> => {
      const socket = connect({ port: this.port, host: '127.0.0.1', localAddress: address });
      await once(socket, 'connect');
      return socket;
    };
    return vi.waitFor(attempt, { timeout: 10_000, interval: 10 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true });
  }
}

async function ask(socket: Socket, message: string): Promise<string> {
  socket.write(message);
  const [reply] = await once(socket, 'data');
  return String(reply);
}

const BEHIND = ['--host', '127.0.0.1', '--proxy-protocol', '127.0.0.1', '--framing', 'line'];

describe.each(['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id'])(
  'behind HAProxy with %s',
  (words) => {
    it('the log names the client, not the proxy', async () => {
      await using server = await startHeddle(...BEHIND);
      await using proxy = await Haproxy.start(server.port, words);
      const clients = await Promise.all(['127.0.0.3', '127.0.0.4', '127.0.0.5'].map((from) => proxy.dial(from)));
      for (const socket of clients) {
        expect(await ask(socket, 'hello from client\n')).toBe('tneilc morf olleh\n');
        const who = `${socket.localAddress?.replaceAll('.', '\\.')} : ${socket.localPort}`;
        await server.shows(new RegExp(`^Connected to: ${who}$`, 'm'));
        socket.end();
        await server.shows(new RegExp(`^Bye: ${who}$`, 'm'));
      }
    });

    it('its health checks are answered', async () => {
      await using server = await startHeddle(...BEHIND);
      const checks = [
        'option log-health-checks',
        'option tcp-check',
        'tcp-check send ping\\n',
        'tcp-check expect string gnip',
      ];
      await using proxy = await Haproxy.start(server.port, `${words} check inter 50ms fall 1 rise 2`, checks);
      await proxy.running.shows(/Health check for server front\/heddle succeeded, reason: Layer7 check passed/);
      await vi.waitFor(() => expect(server.stdout.match(/^Bye: /gm)?.length).toBeGreaterThan(3), {
        timeout: 10_000,
      });
      expect(server.stdout).not.toMatch(/proxy-error/);
      expect(server.stderr).toBe('');
      expect(proxy.running.stdout).not.toMatch(/check .*failed/);
    });
  },
);

it('without send-proxy, HAProxy’s clients are refused and the log says why', async () => {
  await using server = await startHeddle(...BEHIND);
  await using proxy = await Haproxy.start(server.port, '');
  const socket = await proxy.dial('127.0.0.3');
  const closed = once(socket, 'close');
  socket.write('hello\n');
  await closed;
  await server.shows(
    /^Bye: 127\.0\.0\.1 : \d+ \(proxy-error: no PROXY header comes first, as proxyProtocol asks of this address\)$/m,
  );
  expect(server.stdout).not.toMatch(/Connected to/);
});
