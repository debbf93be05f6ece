import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HEDDLE, here, run, runWithFiles, Running, startHeddle } from './processes.ts';

async function talk(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, message: string): Promise<string> {
  socket.write(message);
  const [reply] = await once(socket, 'data');
  return String(reply);
}

describe('heddle serve', () => {
  it('ends its help without a word when nobody reads on', async () => {
    const { stderr } = await run('sh', ['-c', '"$0" "$@" | true', process.execPath, HEDDLE, 'serve', '--help']);
    expect(stderr).toBe('');
  });

  it('answers the article’s client', async () => {
    await using server = await startHeddle();
    const { stdout } = await run('python3', [here('article-client.py'), `${server.port}`, 'hello from client', 'née']);
    expect(stdout).toBe('Received from server: tneilc morf olleh\nReceived from server: eén\n');
  });

  it('answers netcat and socat', async () => {
    await using server = await startHeddle();
    const tools = [
      ['nc', ['-N', '127.0.0.1', `${server.port}`]],
      ['socat', ['-t60', '-', `TCP:127.0.0.1:${server.port}`]],
    ] as const;
    for (const [command, args] of tools) {
      const { stdout } = await run(command, args, 'hello from client\n');
      expect(stdout, command).toBe('tneilc morf olleh\n');
    }
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('answers what has arrived and ends with 0 on %s', async (signal) => {
    await using server = await startHeddle();
    const socket = await talk(server.port);
    expect(await ask(socket, 'abc')).toBe('cba');
    server.child.kill(signal);
    await once(socket, 'end');
    const { status, stdout, stderr } = await server.finished();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/\nBye: 127\.0\.0\.1 : \d+\n$/);
  });

  it('ends at once on a second signal', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'heddle-system-'));
    const service = join(directory, 'never.mjs');
    writeFileSync(service, 'export default { message: () => new Promise(() => {}) };');
    const server = new Running(process.execPath, [HEDDLE, 'serve', service, '--port', '0', '--threads', '2']);
    const [, port] = await server.shows(/^Server running on port (\d+)$/m);
    const socket = await talk(Number(port));
    socket.write('a message that is never answered');
    await server.shows(/ Client connected: /);
    server.child.kill('SIGTERM');
    await server.shows(/ Shutting down: /);
    server.child.kill('SIGINT');
    expect((await server.finished()).status).toBe(130);
    socket.destroy();
    rmSync(directory, { recursive: true });
  });

  it('goes on serving when nobody reads what it prints', async () => {
    await using server = new Running(process.execPath, [HEDDLE, 'serve', '--port', '0', '--threads', '2']);
    const [, port] = await server.shows(/^Server running on port (\d+)$/m);
    server.child.stdout?.destroy();
    server.child.stderr?.destroy();
    for (let client = 0; client < 20; client++) {
      const socket = await talk(Number(port));
      expect(await ask(socket, 'abc')).toBe('cba');
      socket.destroy();
    }
    server.child.kill('SIGTERM');
    expect((await server.finished()).status).toBe(0);
  });

  it('prints JSON when asked to, each event on a line', async () => {
    const server = new Running(process.execPath, [
      HEDDLE,
      'serve',
      '--port',
      '0',
      '--log-format',
      'json',
      '--threads',
      '1',
    ]);
    const [, port] = await server.shows(/"port":(\d+)/);
    const socket = await talk(Number(port));
    expect(await ask(socket, 'abc')).toBe('cba');
    socket.end();
    await server.shows(/"type":"close"/);
    server.child.kill('SIGTERM');
    const { stdout, status } = await server.finished();
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(expect.arrayContaining(['listening', 'open', 'close', 'leaving']));
    expect(status).toBe(0);
  });

  it('keeps the lines of many clients whole', async () => {
    await using server = await startHeddle();
    const sockets = await Promise.all(Array.from({ length: 200 }, () => talk(server.port)));
    await Promise.all(sockets.map((socket) => ask(socket, 'abc')));
    for (const socket of sockets) socket.end();
    server.child.kill('SIGTERM');
    const { stdout } = await server.finished();
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => /^Connected to: 127\.0\.0\.1 : \d+$/.test(line))).toHaveLength(200);
    expect(lines.filter((line) => /^Bye: 127\.0\.0\.1 : \d+$/.test(line))).toHaveLength(200);
  });

  it.each([
    [['--threads', '-1'], 2, /^--threads must be a positive integer, got -1\n$/],
    [['--port', '99999'], 2, /^--port must be an integer from 0 to 65535, got 99999\n$/],
    [['--colour', 'red'], 2, /^unknown option '--colour'\n$/],
    [['nowhere.js', '--port', '0'], 1, /nowhere\.js/],
    [
      [here('../server/services/broken/exits.mjs'), '--port', '0'],
      1,
      /^Cannot start the service .*broken\/exits\.mjs: process\.exit\(3\) was called .*\n$/,
    ],
  ])('with %j ends with %i', async (args, status, text) => {
    const result = await run(process.execPath, [HEDDLE, 'serve', ...args]);
    expect(result.status).toBe(status);
    expect(result.stderr).toMatch(text);
    expect(result.stderr).not.toMatch(/^ +at /m);
    expect(result.stdout).toBe('');
  });

  it.each([40, 90])('says in one line, with %i files, that these are too few', async (files) => {
    const result = await runWithFiles(files, ['serve', '--port', '0', '--threads', '50']);
    expect(result).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^.*Too many open files: this process may have \d+, and needs more\. Allow it more, with ulimit -n 1024 .*\n$/,
      ),
    });
  });

  it('says when its port is in use', async () => {
    await using server = await startHeddle('--host', '127.0.0.1');
    const result = await run(process.execPath, [HEDDLE, 'serve', '--host', '127.0.0.1', '--port', `${server.port}`]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(`127.0.0.1:${server.port}`);
    expect(result.stderr).toContain('choose another port with --port (0');
    expect(result.stdout).toBe('');
  });

  it('names, in what it says only as it starts, what the user wrote', async () => {
    const serve = async (environment: NodeJS.ProcessEnv, ...args: string[]): Promise<string> =>
      (await runWithFiles(1024, ['serve', ...args], environment)).stderr;
    expect(await serve({ HEDDLE_PORT: '0' }, '--max-clients', '1000000')).toMatch(/^--max-clients must be at most /);
    expect(await serve({ HEDDLE_PORT: '0', HEDDLE_MAX_CLIENTS: '1000000' })).toMatch(
      /^HEDDLE_MAX_CLIENTS must be at most /,
    );
    expect(await serve({ HEDDLE_HOST: '192.0.2.1', HEDDLE_PORT: '0' })).toMatch(
      /Leave HEDDLE_HOST out to listen on all/,
    );
  });
});
