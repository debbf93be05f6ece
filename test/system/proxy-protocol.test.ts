import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { ask, Haproxy } from './haproxy.ts';
import { run, startHeddle } from './processes.ts';

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
      await using proxy = await Haproxy.start(server.port, `${words} check inter 5s fall 1 rise 2`, checks);
      await proxy.running.shows(/Health check for server front\/heddle succeeded, reason: Layer7 check passed/);
      await vi.waitFor(() => expect(server.stdout.match(/^Bye: /gm)?.length).toBeGreaterThan(1), {
        timeout: 30_000,
      });
      expect(server.stdout).not.toMatch(/proxy-error/);
      expect(server.stderr).toBe('');
      expect(proxy.running.stdout).not.toMatch(/check .*failed/);
    });
  },
);

it('behind HAProxy on a Unix socket, the log names the client', async () => {
  const unix = join(testFolder(), 'a.sock');
  await using server = await startHeddle('--unix', unix, '--proxy-protocol', 'unix', '--framing', 'line');
  await using proxy = await Haproxy.start(unix, 'send-proxy-v2');
  const socket = await proxy.dial('127.0.0.3');
  expect(await ask(socket, 'hello from client\n')).toBe('tneilc morf olleh\n');
  await server.shows(new RegExp(`^Connected to: 127\\.0\\.0\\.3 : ${socket.localPort}$`, 'm'));
  socket.destroy();
});

it('a client that deny has is not served, whatever the address of its load balancer', async () => {
  await using server = await startHeddle(...BEHIND, '--deny', '203.0.113.0/24');
  const header = 'PROXY TCP4 203.0.113.7 10.0.0.1 4711 1\r\nhello\n';
  const { stdout } = await run('nc', ['-q1', '127.0.0.1', `${server.port}`], header);
  expect(stdout).toBe('');
  await server.shows(/^Bye: 203\.0\.113\.7 : 4711 \(denied\)$/m);
});

it('without send-proxy, HAProxy’s clients are refused and the log says why', async () => {
  await using server = await startHeddle(...BEHIND);
  await using proxy = await Haproxy.start(server.port, '');
  const socket = await proxy.dial('127.0.0.3');
  const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve)); // In order or not.
  socket.write('hello\n');
  await closed;
  await server.shows(
    /^Bye: 127\.0\.0\.1 : \d+ \(proxy-error: no PROXY header comes first, as proxyProtocol asks of this address\)$/m,
  );
  expect(server.stdout).not.toMatch(/Connected to/);
});
