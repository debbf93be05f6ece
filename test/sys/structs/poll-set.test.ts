import { describe, expect, it } from 'vitest';
import { EPOLLIN, EPOLLOUT } from '../../../src/sys/constants.ts';
import { PollSet } from '../../../src/sys/structs/poll-set.ts';
import { owned, pair, readable, sys, write } from '../../support/loopback.ts';

describe('PollSet', () => {
  it('lays an fd out in 8 bytes: the fd, what it is asked, what it has answered', () => {
    const set = new PollSet(sys.allocate(PollSet.bytesFor(2)));
    set.ask(Int32Array.of(7, 258), 2, EPOLLIN);
    set.answer(1, EPOLLIN | EPOLLOUT);
    expect(set.memory.bytes.toString('hex')).toBe('07000000010000000201000001000500');
    expect([set.capacity, set.fd(1), set.events(1), set.isReady(0), set.isReady(1)]).toEqual([2, 258, 1, false, true]);
  });
});

describe('poll', () => {
  it('tells which of the fds have something to read, and which are not open', async () => {
    const [talks, rests] = await Promise.all([pair(), pair()]);
    await write(talks.client, 'x');
    await readable(talks.fd);
    const closed = sys.eventfd();
    sys.close(closed);
    const set = new PollSet(sys.allocate(PollSet.bytesFor(3)));
    set.ask(Int32Array.of(rests.fd, talks.fd, closed), 3, EPOLLIN);
    expect(sys.poll(set, 3)).toBe(2);
    expect([0, 1, 2].map((index) => set.isReady(index))).toEqual([false, true, true]);
    set.ask(Int32Array.of(rests.fd), 1, EPOLLIN);
    expect([sys.poll(set, 1), set.isReady(0)]).toEqual([0, false]);
  });

  it('takes no event away from an epoll set', async () => {
    const { client, fd } = await pair();
    const epollFd = owned(sys.epollCreate());
    sys.epollControl(epollFd, 1, fd, EPOLLIN, 1, 1);
    await write(client, 'x');
    await readable(fd);
    const set = new PollSet(sys.allocate(PollSet.bytesFor(1)));
    set.ask(Int32Array.of(fd), 1, EPOLLIN);
    expect(sys.poll(set, 1)).toBe(1);
    expect(sys.epollWait(epollFd, sys.allocateEvents(1), 0)).toBe(1);
  });

  it('refuses more fds than there is room for', () => {
    const set = new PollSet(sys.allocate(PollSet.bytesFor(1)));
    expect(() => sys.poll(set, 2)).toThrow(RangeError);
  });
});
