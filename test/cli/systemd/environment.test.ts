import { describe, expect, it } from 'vitest';
import { takeSystemdEnvironment } from '../../../src/cli/systemd/environment.ts';

const NOTHING = { listenFds: [], notifySocket: undefined, watchdog: undefined };

describe('what systemd says in the environment', () => {
  it('is taken out of it, and nothing else is', () => {
    const environment = {
      LISTEN_FDS: '2',
      LISTEN_PID: '77',
      LISTEN_PIDFDID: '5',
      LISTEN_FDNAMES: 'a:b',
      NOTIFY_SOCKET: '/run/notify',
      WATCHDOG_USEC: '3000000',
      WATCHDOG_PID: '77',
      HEDDLE_THREADS: '2',
    };
    expect(takeSystemdEnvironment(environment, 77)).toEqual({
      listenFds: [3, 4],
      notifySocket: '/run/notify',
      watchdog: 3_000,
    });
    expect(environment).toEqual({ HEDDLE_THREADS: '2' });
    expect(takeSystemdEnvironment(environment, 77)).toEqual(NOTHING);
  });

  it('is not for this process if it names another, and is taken out all the same', () => {
    const environment = { LISTEN_FDS: '2', LISTEN_PID: '78', WATCHDOG_USEC: '3000000', WATCHDOG_PID: '78' };
    expect(takeSystemdEnvironment(environment, 77)).toEqual(NOTHING);
    expect(environment).toEqual({});
    expect(takeSystemdEnvironment({ LISTEN_FDS: '2' }, 77)).toEqual(NOTHING);
  });

  it('expects signs of life of whoever reads it, if it names no process', () => {
    expect(takeSystemdEnvironment({ WATCHDOG_USEC: '500000' }, 77).watchdog).toBe(500);
  });

  it.each(['', '-1', '1e3', '0x10', 'many'])('is nothing with the number %j', (number) => {
    const environment = { LISTEN_FDS: number, LISTEN_PID: '77', WATCHDOG_USEC: number };
    expect(takeSystemdEnvironment(environment, 77)).toEqual(NOTHING);
  });

  it.each([
    ['@name', '\0name'],
    ['vsock:2:1234', undefined],
    ['relative', undefined],
    ['@', undefined],
    [`/${'x'.repeat(107)}`, undefined],
  ])('has the notify socket %j', (given, socket) => {
    expect(takeSystemdEnvironment({ NOTIFY_SOCKET: given }, 77).notifySocket).toBe(socket);
  });
});
