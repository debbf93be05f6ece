import { spawnSync } from 'node:child_process';
import fs, { mkdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findServer } from '../../../src/cli/control/find-server.ts';
import { controlFolder } from '../../../src/cli/control/folder.ts';
import { testFolder } from '../../support/folder.ts';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

describe('the server that a command is about', () => {
  it('is none where a socket that was left behind cannot be taken away', async () => {
    const runtime = testFolder();
    const folder = join(runtime, 'heddle');
    mkdirSync(folder, { mode: 0o700 });
    const script = `require('net').createServer().listen(${JSON.stringify(join(folder, '7.sock'))}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    for (const call of ['unlinkSync', 'rmSync'] as const)
      vi.spyOn(fs, call).mockImplementation(() => {
        throw Object.assign(new Error('read-only'), { code: 'EROFS' });
      });
    syncBuiltinESMExports();
    await expect(findServer(undefined, { XDG_RUNTIME_DIR: runtime })).rejects.toMatchObject({
      code: 'HEDDLE_CONNECT',
      message: expect.stringContaining('No server was found'),
    });
  });

  it('has its socket in the folder for temporary files, also where TMPDIR is empty', () => {
    expect(controlFolder({ TMPDIR: '' })).toBe(controlFolder({}));
    expect(controlFolder({ TMPDIR: '' }).startsWith(tmpdir())).toBe(true);
    expect(controlFolder({ TMPDIR: '/other' })).toMatch(/^\/other\/heddle-/);
  });
});
