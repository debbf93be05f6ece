import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, here, run, Running, startHeddle } from './processes.ts';

describe('heddle serve, with clients side by side', () => {
  it('serves the article’s clients, netcat and socat at once, and prints a line for each coming and going', async () => {
    await using server = await startHeddle('--host', '127.0.0.1');
    await using held = new Running('nc', ['127.0.0.1', `${server.port}`]);
    held.child.stdin?.write('still here\n');
    await held.shows(/^ereh llits$/m);
    const [python, netcat, socat] = await Promise.all([
      run('python3', [here('server-clients.py'), `${server.port}`, '20']),
      run('nc', ['-N', '127.0.0.1', `${server.port}`], 'hello from client\n'),
      run('socat', ['-t60', '-', `TCP:127.0.0.1:${server.port}`], 'hello from client\n'),
    ]);
    expect(python).toEqual({ status: 0, stdout: 'wrong: []\n', stderr: '' });
    expect(netcat).toEqual({ status: 0, stdout: 'tneilc morf olleh\n', stderr: '' });
    expect(socat).toEqual({ status: 0, stdout: 'tneilc morf olleh\n', stderr: '' });
    held.child.stdin?.write('and now?\n');
    await held.shows(/^\?won dna$/m);
    server.child.kill('SIGTERM');
    const { status, stdout, stderr } = await server.finished();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'Serving the built-in reverse service on 2 threads',
      `Server running on port ${server.port}`,
    ]);
    const came = lines.filter((line) => /^Connected to: 127\.0\.0\.1 : \d+$/.test(line));
    const went = lines.filter((line) => /^Bye: 127\.0\.0\.1 : \d+$/.test(line));
    expect([came.length, went.length, lines.length]).toEqual([23, 23, 2 + 23 + 23 + 1]);
    expect(came.map((line) => line.slice(14)).sort()).toEqual(went.map((line) => line.slice(5)).sort());
  });

  it('answers clients who send urgent data, or descriptors, between their bytes', async () => {
    const path = join(testFolder(), 'heddle.sock');
    await using tcp = await startHeddle('--host', '127.0.0.1', '--framing', 'line');
    await using unix = new Running(process.execPath, [HEDDLE, 'serve', '--unix', path, '--framing', 'line']);
    await unix.shows(/^Server running on /m);
    const odd = await run('python3', [here('odd-bytes.py'), `${tcp.port}`, path]);
    expect(odd).toEqual({ status: 0, stdout: 'wrong: []\n', stderr: '' });
  });

  it('can be connected to as soon as it says that it runs', async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      await using server = await startHeddle('--host', '127.0.0.1');
      const socket = connect(server.port, '127.0.0.1');
      socket.write('abc');
      const [reply] = await once(socket, 'data');
      expect(String(reply)).toBe('cba');
      socket.destroy();
    }
  });

  it('serves IPv4 and IPv6 on all interfaces', async () => {
    await using server = await startHeddle();
    for (const host of ['127.0.0.1', '::1']) {
      const socket = connect(server.port, host);
      socket.write('abc');
      const [reply] = await once(socket, 'data');
      expect(String(reply)).toBe('cba');
      socket.destroy();
    }
    await server.shows(/^Connected to: 127\.0\.0\.1 : \d+$/m);
    await server.shows(/^Connected to: ::1 : \d+$/m);
  });

  it('prints the stack of a service that fails once, and goes on', async () => {
    await using server = await startHeddle(here('../server/services/commands.mjs'), '--host', '127.0.0.1');
    const failed = await run('nc', ['-N', '127.0.0.1', `${server.port}`], 'throw oh no\n');
    expect(failed.stdout).toBe('');
    const well = await run('nc', ['-N', '127.0.0.1', `${server.port}`], 'echo well\n');
    expect(well.stdout).toBe('well\n');
    server.child.kill('SIGTERM');
    const { stdout, stderr } = await server.finished();
    expect(stderr.match(/oh no/g)).toHaveLength(1);
    expect(stderr).toMatch(/^ {4}at .*commands\.mjs:\d+/m);
    expect(stdout).toMatch(/ Client disconnected: 127\.0\.0\.1 : \d+ \(service-error\)$/m);
  });

  it('does not hang when the port is in use, whoever has it', async () => {
    await using server = await startHeddle('--host', '127.0.0.1');
    const began = performance.now();
    const result = await run(process.execPath, [HEDDLE, 'serve', '--host', '127.0.0.1', '--port', `${server.port}`]);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/^Cannot listen on 127\.0\.0\.1:\d+: the port is in use\..*\n$/);
    expect(performance.now() - began).toBeLessThan(60_000);
  });
});
