import { expect, it, vi } from 'vitest';
import { join } from 'node:path';
import { listenUnix } from '../../src/listen/unix.ts';
import { AF_UNIX, SOCK_STREAM } from '../../src/sys/constants.ts';
import { testFolder } from '../support/folder.ts';
import { succeeded, sys } from '../support/loopback.ts';

/** As in a folder like /tmp, where only its owner may remove a file. */
vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  unlinkSync: () => {
    throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' });
  },
}));

it('a socket that a server left behind, and that this user may not remove, is told as that', () => {
  const path = join(testFolder(), 'a.sock');
  const fd = succeeded(sys.socket(AF_UNIX, SOCK_STREAM, 0));
  succeeded(sys.bind(fd, { family: 'unix', address: path, port: 0 }));
  sys.close(fd);
  expect(() => listenUnix(sys, { path, mode: 0o600, option: '--unix' }, 16)).toThrow(
    `Cannot listen on unix:${path}: a server that is gone has left its socket there, and this user may not remove it. Remove it as its owner, or as root, or choose another path with --unix`,
  );
});
