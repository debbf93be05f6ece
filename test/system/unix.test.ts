import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../support/folder.ts';
import { HEDDLE, run, Running } from './processes.ts';

async function startAt(unix: string): Promise<Running> {
  const running = new Running(process.execPath, [HEDDLE, 'serve', '--unix', unix, '--threads', '2']);
  await running.shows(/^Server running on unix:/m);
  return running;
}

describe('heddle serve --unix', () => {
  it('answers socat and heddle client, and takes its file away when it leaves', async () => {
    const unix = join(testFolder(), 'a.sock');
    await using server = await startAt(unix);
    const { stdout } = await run('socat', ['-t60', '-', `UNIX-CONNECT:${unix}`], 'hello from client\n');
    expect(stdout).toBe('tneilc morf olleh\n');
    // The next client may be served by the other thread, and its line come first.
    await server.shows(/^Bye: unix$/m);
    const client = await run(process.execPath, [HEDDLE, 'client', '--unix', unix], 'one\ntwo\n');
    expect(client).toEqual({ status: 0, stdout: 'eno\nowt\n', stderr: '' });
    await server.shows(/^Bye: unix\n[^]*^Bye: unix$/m);
    server.child.kill('SIGTERM');
    const finished = await server.finished();
    expect({ status: finished.status, stderr: finished.stderr }).toEqual({ status: 0, stderr: '' });
    expect(finished.stdout).toMatch(/\nConnected to: unix\nBye: unix\nConnected to: unix\n/);
    expect(existsSync(unix)).toBe(false);
  });

  it('takes the place of a server that was killed, and not of one that lives', async () => {
    const unix = join(testFolder(), 'a.sock');
    const killed = await startAt(unix);
    await killed[Symbol.asyncDispose]();
    expect(existsSync(unix)).toBe(true);
    await using server = await startAt(unix);
    const second = await run(process.execPath, [HEDDLE, 'serve', '--unix', unix]);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`Cannot listen on unix:${unix}: a server listens there already.`);
    const { stdout } = await run('socat', ['-t60', '-', `UNIX-CONNECT:${unix}`], 'still here');
    expect(stdout).toBe('ereh llits');
    await server.shows(/^Bye: unix$/m);
  });

  it('says to the client what to do when there is no server', async () => {
    const unix = join(testFolder(), 'a.sock');
    const { status, stderr } = await run(process.execPath, [HEDDLE, 'client', '--unix', unix]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Cannot connect to unix:.*a\.sock: there is no such socket\. .*heddle serve --unix .*\n$/);
  });
});
