import { existsSync, lstatSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HeddleError, connect, serve } from 'heddle';
import { describe, expect, it, vi } from 'vitest';
import type { ServeOptions } from '../../src/options/serve-options.ts';
import { AF_INET, AF_UNIX, F_GETFL, SOCK_DGRAM, SOCK_STREAM } from '../../src/sys/constants.ts';
import type { SocketAddress } from '../../src/sys/sys.ts';
import { testFolder } from '../support/folder.ts';
import { owned, succeeded, sys } from '../support/loopback.ts';
import { Peer } from '../server/peer.ts';
import {
  TIMEOUT_MS,
  noUnix,
  descriptorsBack,
  openDescriptors,
  type Running,
  service,
  start,
} from '../server/running.ts';

const ONLY_UNIX = { host: undefined, port: undefined };

function startAt(unix: string, options: ServeOptions = {}): Promise<Running> {
  return start(service('commands'), { ...ONLY_UNIX, unix, ...options });
}

async function refusal(options: ServeOptions): Promise<HeddleError> {
  const starting = serve({ threads: 1, ...options });
  return starting.then(
    (server) => server.close().then(() => Promise.reject(new Error('it started'))),
    (error: HeddleError) => error,
  );
}

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o777;
}

/** Leaves the file of a socket behind that nobody has open any more. */
function leaveSocket(path: string, type = SOCK_STREAM): void {
  const fd = succeeded(sys.socket(AF_UNIX, type, 0));
  succeeded(sys.bind(fd, { family: 'unix', address: path, port: 0 }));
  sys.close(fd);
}

describe.skipIf(noUnix)('a server on a Unix socket', () => {
  it('serves clients there and nowhere else, and calls them unix', async () => {
    const unix = join(testFolder(), 'a.sock');
    await using running = await startAt(unix);
    const { server } = running;
    expect(server.addresses).toEqual([{ family: 'unix', path: unix, host: 'unix', port: 0 }]);
    expect(server.address).toBe(server.addresses[0]);
    await using peer = await Peer.connectUnix(unix);
    expect(await peer.ask('who')).toBe('unix 0');
    peer.finish();
    expect(await running.seen('close')).toMatchObject([{ address: 'unix', port: 0, reason: 'client-finished' }]);
  });

  it('has no file with a name that begins with @, and clients find it by that name', async () => {
    const unix = `@heddle-test-${process.pid}`;
    await using running = await startAt(unix);
    expect(running.server.addresses).toEqual([{ family: 'unix', path: unix, host: 'unix', port: 0 }]);
    expect(existsSync(unix)).toBe(false);
    await using connection = await connect({ unix, framing: 'line' });
    expect(String(await connection.request('who'))).toBe('unix 0');
    expect((await refusal({ unix })).message).toBe(
      `Cannot listen on unix:${unix}: a server listens there already. Stop it (to find it: ss -lxp), or choose another path with options.unix`,
    );
    expect((await refusal({ unix: '@other', unixMode: 0o600 })).message).toContain('a name with @ has none');
  });

  it('answers many clients, with messages longer than the kernel takes at once', async () => {
    const unix = join(testFolder(), 'a.sock');
    await using running = await startAt(unix);
    const long = 'x'.repeat(500_000);
    const replies = Array.from({ length: 20 }, async () => {
      await using connection = await connect({ unix, framing: 'line' });
      return String(await connection.request(`echo ${long}`)) === long;
    });
    expect(await Promise.all(replies)).toEqual(Array(20).fill(true));
    await running.seen('close', 20);
  });

  it.each([
    [undefined, 0o600],
    ['0660', 0o660],
    [0o777, 0o777],
  ])('with unixMode %j has mode %i, whatever the umask', async (unixMode, mode) => {
    const unix = join(testFolder(), 'a.sock');
    await using running = await startAt(unix, unixMode === undefined ? {} : { unixMode });
    expect(running.server.address).toMatchObject({ path: unix });
    expect(modeOf(unix)).toBe(mode);
  });

  it('listens on a port as well if one is given, which is then its first address', async () => {
    const unix = join(testFolder(), 'a.sock');
    await using running = await startAt(unix, { host: '127.0.0.1', port: 0 });
    expect(running.server.addresses.map(({ family }) => family)).toEqual(['IPv4', 'unix']);
    await using here = await Peer.connectUnix(unix);
    await using there = await running.connect();
    expect(await here.ask('echo here')).toBe('here');
    expect(await there.ask('who')).toBe(`127.0.0.1 ${there.localPort}`);
    await running.server.drain();
    expect([String(await here.rest()), String(await there.rest())]).toEqual(['', '']);
  });

  it.each(['close', 'drain'] as const)('takes its file away and leaves nothing open: %s', async (way) => {
    const unix = join(testFolder(), 'a.sock');
    const before = openDescriptors();
    const running = await startAt(unix);
    await running.server[way]();
    expect(existsSync(unix)).toBe(false);
    await descriptorsBack(before);
  });

  it('takes its file away when the service does not start', async () => {
    const unix = join(testFolder(), 'a.sock');
    const before = openDescriptors();
    expect((await refusal({ unix, service: service('broken/throws') })).code).toBe('HEDDLE_SERVICE_LOAD');
    expect(existsSync(unix)).toBe(false);
    await descriptorsBack(before);
  });

  it('leaves alone a file that has taken the place of its own', async () => {
    const folder = testFolder();
    const unix = join(folder, 'a.sock');
    const first = await startAt(unix);
    renameSync(unix, join(folder, 'old.sock'));
    await using second = await startAt(unix);
    await first.server.close();
    await using peer = await Peer.connectUnix(unix);
    expect(await peer.ask('echo second')).toBe('second');
    expect(second.server.stats().accepted).toBe(1);
  });

  it('does not mind that its file is gone when it ends', async () => {
    const unix = join(testFolder(), 'a.sock');
    const running = await startAt(unix);
    rmSync(unix);
    await running.server.close();
  });
});

describe.skipIf(noUnix)('what is at the path already', () => {
  it('is replaced if it is a socket that nobody has open any more', async () => {
    const unix = join(testFolder(), 'a.sock');
    leaveSocket(unix);
    await using running = await startAt(unix);
    await using peer = await Peer.connectUnix(unix);
    expect(await peer.ask('echo here')).toBe('here');
    expect(running.server.stats().clients).toBe(1);
  });

  it('is left alone if a server has it open, which does not suffer', async () => {
    const unix = join(testFolder(), 'a.sock');
    await using running = await startAt(unix, { threads: 2 }); // No thread starts meanwhile.
    const before = openDescriptors();
    expect(await refusal({ unix })).toMatchObject({
      code: 'HEDDLE_LISTEN',
      errno: 'EADDRINUSE',
      syscall: 'bind',
      message: `Cannot listen on unix:${unix}: a server listens there already. Stop it (to find it: ss -lxp), or choose another path with options.unix`,
    });
    // The server closes its end of the one connection that asked whether it is there, right after it says so.
    await running.seen('close');
    await descriptorsBack(before);
    await using peer = await Peer.connectUnix(unix);
    expect(await peer.ask('echo here')).toBe('here');
  });

  it('is left alone if it is a socket of another kind', async () => {
    const unix = join(testFolder(), 'a.sock');
    const fd = owned(sys.socket(AF_UNIX, SOCK_DGRAM, 0));
    succeeded(sys.bind(fd, { family: 'unix', address: unix, port: 0 }));
    expect((await refusal({ unix })).message).toContain('a server listens there already');
    expect(existsSync(unix)).toBe(true);
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'precious')],
    ['a link', (path: string) => symlinkSync('/nowhere', path)],
  ])('is left alone if it is %s', async (_what, make) => {
    const unix = join(testFolder(), 'precious');
    make(unix);
    const error = await refusal({ unix });
    expect(error).toMatchObject({ code: 'HEDDLE_LISTEN', errno: 'EADDRINUSE' });
    expect(error.message).toContain(`unix:${unix}: there is a file that is no socket.`);
    expect(lstatSync(unix).isSocket()).toBe(false);
  });
});

it.skipIf(noUnix)('says that there is no such folder, and leaves no port open', async () => {
  const before = openDescriptors();
  const error = await refusal({ host: '127.0.0.1', port: 0, unix: '/there/is/no/such/folder.sock' });
  expect(error).toMatchObject({ code: 'HEDDLE_LISTEN', errno: 'ENOENT', syscall: 'bind' });
  expect(error.message).toContain('there is no such folder. Make it, or choose another path with options.unix');
  await descriptorsBack(before);
});

describe.skipIf(noUnix)('a server with sockets that are open already', () => {
  /** A socket that listens, blocking as somebody may have left it. */
  function openSocket(family: number, address: SocketAddress): number {
    const fd = succeeded(sys.socket(family, SOCK_STREAM, 0));
    succeeded(sys.bind(fd, address));
    succeeded(sys.listen(fd, 8));
    return fd;
  }

  it('serves clients of each, closes them when it ends, and leaves their files to whoever made them', async () => {
    const before = openDescriptors();
    const unix = join(testFolder(), 'a.sock');
    const first = openSocket(AF_UNIX, { family: 'unix', address: unix, port: 0 });
    const second = openSocket(AF_INET, { family: 'IPv4', address: '127.0.0.1', port: 0 });
    await using running = await start(service('commands'), { ...ONLY_UNIX, listenFds: [first, second] });
    expect(running.server.addresses).toEqual([
      { family: 'IPv4', host: '127.0.0.1', port: expect.any(Number) },
      { family: 'unix', path: unix, host: 'unix', port: 0 },
    ]);
    const here = await Peer.connectUnix(unix);
    const there = await running.connect();
    expect([await here.ask('echo here'), await there.ask('echo there')]).toEqual(['here', 'there']);
    await Promise.all([here.leave(), there.leave()]);
    // A thread that is ended just as it closes a client leaves its fd open (docs/internals/protocol.md); that is not what is asked here.
    await vi.waitFor(() => expect(running.server.stats().clients).toBe(0), { timeout: TIMEOUT_MS });
    await running.server.close();
    expect(existsSync(unix)).toBe(true);
    await descriptorsBack(before);
  });

  it('calls a name without a file what ss calls it', async () => {
    const name = `heddle-test-${process.pid}`;
    const fd = openSocket(AF_UNIX, { family: 'unix', address: `\0${name}`, port: 0 });
    await using running = await start(service('commands'), { ...ONLY_UNIX, listenFds: [fd] });
    expect(running.server.address).toMatchObject({ family: 'unix', path: `@${name}` });
  });

  it('refuses an fd that nobody can connect to, and does not close it', async () => {
    const fd = owned(sys.socket(AF_UNIX, SOCK_STREAM, 0));
    const error = await refusal({ listenFds: [fd] });
    expect(error.code).toBe('HEDDLE_LISTEN');
    expect(error.message).toBe(
      `Cannot listen on file descriptor ${fd}: it is a socket that nobody can connect to. Hand over sockets that listen; with systemd: ListenStream= and Accept=no`,
    );
    expect(sys.fcntl(fd, F_GETFL, 0)).toBeGreaterThan(0);
    expect((await refusal({ listenFds: [1023] })).errno).toBe('EBADF');
  });
});
