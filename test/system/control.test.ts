import { existsSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, run, Running } from './processes.ts';

/** Starts a server whose control socket is in `runtime`. */
async function serveIn(runtime: string, ...args: string[]) {
  const environment = { XDG_RUNTIME_DIR: runtime };
  const server = new Running(
    process.execPath,
    [HEDDLE, 'serve', '--port', '0', '--host', '127.0.0.1', ...args],
    environment,
  );
  const [, port] = await server.shows(/^Server running on port (\d+)$/m);
  return Object.assign(server, { port: Number(port), path: join(runtime, 'heddle', `${server.child.pid}.sock`) });
}

function heddle(runtime: string, ...args: string[]) {
  return run(process.execPath, [HEDDLE, ...args], '', { XDG_RUNTIME_DIR: runtime });
}

async function meet(port: number, text: string) {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.write(text);
  await once(socket, 'data');
  return socket.resume();
}

describe('heddle clients, kick and doctor', () => {
  it('find the only server, list and close its clients, and say why they left', async () => {
    const runtime = testFolder();
    await using server = await serveIn(runtime);
    const socket = await meet(server.port, 'hello');
    const closed = once(socket, 'close');
    const { port } = socket.address() as { port: number };
    const { status, stdout } = await heddle(runtime, 'clients');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^CLIENT +ADDRESS +THREAD +STATE +AGE/);
    expect(stdout).toMatch(new RegExp(`#1 +127\\.0\\.0\\.1:${port} +\\d+ +idle`));
    expect(stdout).not.toContain('hello');
    expect((await heddle(runtime, 'kick', '1')).stdout).toBe(
      `client #1 (127.0.0.1:${port}): kicked\n1 client kicked\n`,
    );
    await closed;
    expect((await heddle(runtime, 'clients', '--closed', '--where', 'by=operator')).stdout).toMatch(
      /#1 .* kicked +operator/,
    );
    expect((await heddle(runtime, 'clients')).stdout).toBe('No client\n');
    const nobody = await heddle(runtime, 'kick', '1', '99999');
    expect(nobody.status).toBe(1);
    expect(nobody.stdout.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'DATE')).toBe(
      `client #1 (127.0.0.1:${port}): left at DATE, kicked (operator)\n` +
        'client #99999: no client has this number, and none of those that left last had it\n0 clients kicked\n',
    );
    const { stdout: lines } = await heddle(runtime, 'kick', '1', '99999', '--json');
    expect(
      lines
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { id: 1, result: 'left', reason: 'kicked', by: 'operator' },
      { id: 99999, result: 'unknown' },
    ]);
    const doctor = await heddle(runtime, 'doctor', String(server.child.pid));
    expect(doctor).toMatchObject({ status: 0, stderr: '' });
    expect(doctor.stdout).toMatch(
      /^heddle \S+, process \d+, ready, up .*\nNo client waits for another\.\n\nNothing else to say\.\n$/,
    );
    const asJson = JSON.parse((await heddle(runtime, 'doctor', server.path, '--json')).stdout) as object;
    expect(asJson).toMatchObject({ server: { pid: server.child.pid }, findings: [] });
  });

  it('ask which of several servers is meant, and pass over one that was killed', async () => {
    const runtime = testFolder();
    expect(await heddle(runtime, 'doctor')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('No server was found'),
    });
    await using one = await serveIn(runtime);
    await using other = await serveIn(runtime);
    const { status, stderr } = await heddle(runtime, 'clients');
    expect(status).toBe(1);
    expect(stderr).toContain(String(one.child.pid));
    const unnamed = 'No server has the process number 1. ';
    expect((await heddle(runtime, 'doctor', '1')).stderr).toContain(`${unnamed}2 servers run: `);
    other.child.kill('SIGKILL');
    await other.finished();
    const killed = await heddle(runtime, 'doctor', String(other.child.pid));
    expect(killed.stderr).toContain(`process number ${other.child.pid}. One server runs: ${one.child.pid}. Name one`);
    expect(await heddle(runtime, 'clients')).toMatchObject({ status: 0, stdout: 'No client\n' });
    expect(existsSync(other.path)).toBe(false);
    one.child.kill('SIGTERM');
    expect((await one.finished()).status).toBe(0);
    expect(existsSync(one.path)).toBe(false);
  });

  it('refuse what makes no sense with status 2', async () => {
    const runtime = testFolder();
    await using server = await serveIn(runtime);
    expect(existsSync(server.path)).toBe(true);
    expect(await heddle(runtime, 'kick')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Say who is kicked'),
    });
    expect(await heddle(runtime, 'kick', 'x')).toMatchObject({ status: 2 });
    expect(await heddle(runtime, 'kick', '--where', 'id>0', '--per', 'fast')).toMatchObject({ status: 2 });
    expect(await heddle(runtime, 'clients', '--where', 'x>1')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('“x” is nothing'),
    });
    expect(await heddle(runtime, 'clients', '--sort', 'x')).toMatchObject({ status: 2 });
  });

  it('do not trust a folder that others may enter, and say so for a server', async () => {
    const runtime = testFolder();
    mkdirSync(join(runtime, 'heddle'), { mode: 0o777 });
    await using server = new Running(
      'sh',
      ['-c', `umask 0; chmod 777 ${runtime}/heddle; exec "$0" ${HEDDLE} serve --port 0`, process.execPath],
      { XDG_RUNTIME_DIR: runtime },
    );
    await server.shows(/^Server running on port/m);
    expect(server.stderr).toContain('There is no control socket');
    expect(server.stderr).toContain('other users may enter it');
    expect(await heddle(runtime, 'clients')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('other users may enter it'),
    });
  });

  it('say so where no server is at a socket', async () => {
    const path = join(testFolder(), 'x.sock');
    const dead = createServer((socket) => socket.end('no HTTP'));
    dead.listen(path);
    await once(dead, 'listening');
    onTestFinished(() => void dead.close());
    expect(await run(process.execPath, [HEDDLE, 'clients', path])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Cannot reach the server'),
    });
  });
});
