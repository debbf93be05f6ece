import { describe, expect, it } from 'vitest';
import { Poller } from '../../src/reactor/poller.ts';
import { EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { EINTR, EMFILE, ENOMEM } from '../../src/sys/errno.ts';
import { flakySys } from '../support/flaky-sys.ts';
import { owned, pair, sys, write } from '../support/loopback.ts';

function newPoller(capacity = 8): Poller {
  const poller = Poller.create(sys, capacity);
  owned(poller.fd);
  return poller;
}

/** An eventfd that is ready to be read. */
function readyFd(): number {
  const fd = owned(sys.eventfd());
  sys.eventfdSignal(fd);
  return fd;
}

describe('Poller', () => {
  it('reports a ready fd with its data, again and again until it has been read empty', async () => {
    const poller = newPoller();
    const { fd, client } = await pair();
    expect(poller.add(fd, EPOLLIN, fd, -5)).toBe(0);
    expect(poller.wait(0)).toBe(0);
    await write(client, 'x');
    for (let times = 0; times < 2; times++) {
      expect(poller.wait(1000)).toBe(1);
      const { events } = poller;
      expect([events.mask(0), events.low(0), events.high(0)]).toEqual([EPOLLIN, fd, -5]);
    }
    sys.recv(fd, sys.allocate(1), 0, 1);
    expect(poller.wait(0)).toBe(0);
  });

  it('reports what an fd was changed to, and nothing of one that was removed', () => {
    const poller = newPoller();
    const fd = readyFd();
    poller.add(fd, EPOLLIN, 1, 2);
    expect(poller.modify(fd, EPOLLOUT, 3, 4)).toBe(0);
    expect(poller.wait(0)).toBe(1);
    expect([poller.events.mask(0), poller.events.low(0), poller.events.high(0)]).toEqual([EPOLLOUT, 3, 4]);
    expect(poller.remove(fd)).toBe(0);
    expect(poller.wait(0)).toBe(0);
  });

  it('reports all of more fds than it has room for, in turns', () => {
    const poller = newPoller(2);
    const fds = [readyFd(), readyFd(), readyFd()];
    for (const fd of fds) poller.add(fd, EPOLLIN, fd, 0);
    const seen = new Set<number>();
    for (let turn = 0; turn < 3; turn++) {
      const count = poller.wait(0);
      expect(count).toBe(2);
      for (let index = 0; index < count; index++) seen.add(poller.events.low(index));
    }
    expect(seen).toEqual(new Set(fds));
  });

  it('waits for as long as it was told to', () => {
    const poller = newPoller();
    const start = performance.now();
    expect(poller.wait(20)).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(18);
  });

  it('takes an interrupted wait for one without events', () => {
    const { sys: flaky } = flakySys(sys, { epollWait: [EINTR] });
    const poller = new Poller(flaky, owned(sys.epollCreate()), 4);
    poller.add(readyFd(), EPOLLIN, 0, 0);
    expect([poller.wait(0), poller.wait(0)]).toEqual([0, 1]);
  });

  it('names the call that failed', () => {
    const { sys: flaky } = flakySys(sys, { epollCreate: [EMFILE] });
    expect(() => Poller.create(flaky, 4)).toThrow(
      expect.objectContaining({ code: 'HEDDLE_LISTEN', syscall: 'epoll_create1', errno: 'EMFILE' }),
    );
    const poller = new Poller(sys, owned(sys.eventfd()), 4);
    expect(() => poller.wait(0)).toThrow(
      expect.objectContaining({ code: 'HEDDLE_THREAD_EXIT', syscall: 'epoll_wait', errno: 'EINVAL' }),
    );
  });

  it('passes on why an fd could not be added', () => {
    const { sys: flaky } = flakySys(sys, { epollControl: [ENOMEM] });
    const poller = new Poller(flaky, owned(sys.epollCreate()), 4);
    expect(poller.add(readyFd(), EPOLLIN, 0, 0)).toBe(ENOMEM);
  });

  it('gives its epoll set back', () => {
    const poller = Poller.create(sys, 1);
    poller.close();
    expect(() => poller.wait(0)).toThrow('EBADF');
  });
});
