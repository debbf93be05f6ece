import { once } from 'node:events';
import fs, { existsSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Controlled } from '../../../src/admin/control/controlled.ts';
import { ControlSocket } from '../../../src/server/watch/control-socket.ts';
import { Doors } from '../../../src/server/watch/doors.ts';
import { testFolder } from '../../support/folder.ts';

const controlled = { observe: () => ({ state: 'ready' }) } as unknown as Controlled;
const option = '--control';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

/** What a client gets whose user the engine says is `uid`. */
async function answerFor(uid: number | undefined): Promise<string> {
  const path = join(testFolder(), 'x.sock');
  const control = await ControlSocket.open(path, { controlled, option, peerUid: () => uid });
  onTestFinished(() => control.close());
  const socket = connect(path);
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (data) => (text += String(data)));
  socket.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await new Promise((closed) => void socket.once('close', closed)); // Not `once`: a write may fail before.
  return text;
}

describe('a control socket', () => {
  it.each([
    ['its own user', process.getuid?.(), true],
    ['root', 0, true],
    ['another user', 65534, false],
    ['somebody of whom the kernel says nothing', -1, false],
    ['whoever its mode lets in, if nobody can ask the kernel', undefined, true],
  ])('answers %s', async (_who, uid, isAnswered) => {
    expect(await answerFor(uid)).toEqual(isAnswered ? expect.stringContaining('200 OK') : '');
  });

  it.each(['chmodSync', 'unlinkSync'] as const)('is refused, and open to nobody, if %s fails', async (call) => {
    const path = join(testFolder(), 'x.sock');
    if (call === 'unlinkSync') await leaveBehind(path);
    vi.spyOn(fs, call).mockImplementation(() => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    syncBuiltinESMExports();
    await expect(ControlSocket.open(path, { controlled, option, peerUid: () => 0 })).rejects.toMatchObject({
      code: 'HEDDLE_LISTEN',
      errno: 'EPERM',
      message: `Cannot open the control socket ${path}: EPERM. Choose another path with --control`,
    });
    const socket = connect(path);
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(['ENOENT', 'ECONNREFUSED']).toContain(error.code);
  });

  it('is wanted by nobody once it could not be opened', async () => {
    const settings = { control: undefined, metrics: undefined, metricsHosts: [] };
    const parts = { controlled, nameOf: (name: string) => name, peerUid: () => 0, report: () => {} };
    const doors = new Doors({ ...parts, settings });
    const taken = join(testFolder(), 'file');
    writeFileSync(taken, 'precious');
    await expect(doors.openControl(taken)).rejects.toMatchObject({ code: 'HEDDLE_LISTEN' });
    expect(doors.areWanted).toBe(false);
    expect(existsSync(taken)).toBe(true);
    const free = join(testFolder(), 'x.sock');
    await doors.openControl(free);
    expect([doors.areWanted, doors.controlPath]).toEqual([true, free]);
    doors.close();
    expect(doors.areWanted).toBe(false);
  });
});

/** A socket at which nobody listens: its process was killed. */
async function leaveBehind(path: string): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}
