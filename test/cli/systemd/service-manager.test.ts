import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ServiceManager } from '../../../src/cli/systemd/service-manager.ts';
import { AF_UNIX, SOCK_DGRAM, SOCK_NONBLOCK } from '../../../src/sys/constants.ts';
import { EAGAIN } from '../../../src/sys/errno.ts';
import type { Sys } from '../../../src/sys/sys.ts';
import { flakySys } from '../../support/flaky-sys.ts';
import { testFolder } from '../../support/folder.ts';
import { owned, succeeded, sys, until } from '../../support/loopback.ts';

const PID = 77;

/** Takes notices as systemd does. */
function listenForNotices(address: string): () => Promise<string> {
  const fd = owned(sys.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  succeeded(sys.bind(fd, { family: 'unix', address, port: 0 }));
  const memory = sys.allocate(200);
  return async () => {
    let length = EAGAIN;
    await until(() => {
      length = sys.recv(fd, memory, 0, memory.size);
      return length !== EAGAIN;
    });
    return memory.bytes.toString('utf8', 0, succeeded(length));
  };
}

async function managed(environment: NodeJS.ProcessEnv = {}, theirs = sys) {
  const path = join(testFolder(), 'notify');
  const next = listenForNotices(path);
  const manager = ServiceManager.open({ NOTIFY_SOCKET: path, ...environment }, PID, () => theirs);
  return { manager, next };
}

describe('a service manager', () => {
  it('is told that clients can be served, and that the server ends', async () => {
    const { manager, next } = await managed();
    manager.ready();
    manager.stopping();
    expect([await next(), await next()]).toEqual(['READY=1', 'STOPPING=1']);
  });

  it('is told of a reload when it begins and when it has ended, well or not', async () => {
    const { manager, next } = await managed();
    const before = process.hrtime.bigint() / 1_000n;
    const outcome = new Error('a mistake in the new code');
    const reload = vi.fn<() => Promise<void>>().mockResolvedValueOnce().mockRejectedValueOnce(outcome);
    const announced = manager.announcing({ reload });
    await announced.reload();
    const [, time = ''] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(await next()) ?? [];
    expect(BigInt(time)).toBeGreaterThanOrEqual(before);
    expect(BigInt(time)).toBeLessThanOrEqual(process.hrtime.bigint() / 1_000n);
    expect(await next()).toBe('READY=1');
    await expect(announced.reload()).rejects.toBe(outcome);
    expect(await next()).toMatch(/^RELOADING=1\n/);
    expect(await next()).toBe('READY=1');
    expect(reload).toHaveBeenCalledTimes(2);
  });

  it('gets signs of life for as long as the server answers', async () => {
    const { manager, next } = await managed({ WATCHDOG_USEC: '20000' });
    let answers = 3;
    const ping = vi.fn<() => Promise<void>>(async () => {
      if (answers-- === 0) throw new Error('it has ended');
    });
    const stop = manager.watch({ ping });
    for (let sign = 0; sign < 3; sign++) expect(await next()).toBe('WATCHDOG=1');
    await until(() => ping.mock.calls.length === 4);
    manager.ready();
    expect(await next()).toBe('READY=1');
    stop();
  });

  it('gets none from a server that does not answer, and none when the watch is over', async () => {
    const { manager, next } = await managed({ WATCHDOG_USEC: '20000' });
    manager.watch({ ping: () => new Promise(() => {}) });
    let answer = (): void => {};
    const stop = manager.watch({ ping: () => new Promise((resolve) => (answer = resolve)) });
    stop();
    answer();
    manager.ready();
    expect(await next()).toBe('READY=1');
  });

  it('gets a notice that its queue has no room for a moment later, in order', async () => {
    const flaky = flakySys(sys, { send: [EAGAIN, EAGAIN] });
    const { manager, next } = await managed({}, flaky.sys);
    manager.ready();
    manager.stopping();
    expect([await next(), await next()]).toEqual(['READY=1', 'STOPPING=1']);
  });

  it('may be gone, which is no error', async () => {
    const path = join(testFolder(), 'nobody');
    const flaky = flakySys(sys);
    const manager = ServiceManager.open({ NOTIFY_SOCKET: path }, PID, () => flaky.sys);
    manager.ready();
    await until(() => flaky.calls('close').length === 1);
    expect(flaky.calls('send')).toEqual([]);
  });

  it('may not be there, and then costs nothing', async () => {
    const openSys = vi.fn<() => Sys>(() => sys);
    const ping = vi.fn<() => Promise<void>>(async () => {});
    const manager = ServiceManager.open({ WATCHDOG_USEC: '1000' }, PID, openSys);
    manager.ready();
    manager.watch({ ping })();
    expect([openSys.mock.calls, ping.mock.calls, manager.listenFds]).toEqual([[], [], []]);
  });
});
