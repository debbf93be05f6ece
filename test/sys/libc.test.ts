import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import * as abi from '../../src/sys/constants.ts';
import { EADDRINUSE, EAGAIN, EPIPE } from '../../src/sys/errno.ts';
import type { SocketAddress } from '../../src/sys/sys.ts';
import { dial, listenOn, newPeer, owned, pair, readable, succeeded, sys, until, write } from '../support/loopback.ts';
import { messageOf, startWorker } from '../support/test-worker.ts';

const { errno } = constants;
const NO_FD = 1 << 20;

const MAPPED_LOOPBACK = '00000000000000000000ffff7f000001';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it('finds out that the system starts one more thread', () => {
  expect(sys.canStartThread()).toBe(true);
});

describe('listening', () => {
  it('tells the port that the kernel chose', () => {
    const { fd, port } = listenOn();
    owned(fd);
    expect(sys.getsockname(fd)).toEqual({ family: 'IPv4', address: '127.0.0.1', port });
    expect(port).toBeGreaterThan(0);
  });

  it('answers EADDRINUSE for a port that another socket has', () => {
    const { fd, port } = listenOn();
    owned(fd);
    const other = owned(sys.socket(abi.AF_INET, abi.SOCK_STREAM, 0));
    expect(sys.bind(other, { family: 'IPv4', address: '127.0.0.1', port })).toBe(EADDRINUSE);
  });

  it('answers the errno of a family that there is not', () => {
    expect(sys.socket(12345, abi.SOCK_STREAM, 0)).toBe(-errno.EAFNOSUPPORT);
  });

  it('answers ENOTSOCK and EBADF for what is no socket and no fd', () => {
    const event = owned(sys.eventfd());
    expect(sys.listen(event, 1)).toBe(-errno.ENOTSOCK);
    expect(sys.listen(NO_FD, 1)).toBe(-errno.EBADF);
    expect(sys.getsockname(NO_FD)).toBe(-errno.EBADF);
  });

  it('refuses text that is no address before it asks the kernel', () => {
    const fd = owned(sys.socket(abi.AF_INET, abi.SOCK_STREAM, 0));
    const bind = (family: 'IPv4' | 'IPv6', address: string) => () => sys.bind(fd, { family, address, port: 0 });
    expect(bind('IPv4', '127.0.0.256')).toThrow(RangeError);
    expect(bind('IPv6', '127.0.0.1')).toThrow(RangeError);
  });
});

describe('accept', () => {
  it('answers EAGAIN while nobody waits', () => {
    expect(sys.accept(owned(listenOn().fd), newPeer())).toBe(EAGAIN);
  });

  it('gives a socket that does not block and that child processes do not get', async () => {
    const { fd } = await pair();
    const flags = Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);
    expect(flags & 0o2004000).toBe(0o2004000);
  });

  it('tells the address of an IPv4 client', async () => {
    const { fd, port } = listenOn();
    owned(fd);
    const client = await dial(port);
    const peer = newPeer();
    await readable(fd);
    owned(sys.accept(fd, peer));
    expect([hex(peer.bytes), peer.port]).toEqual([MAPPED_LOOPBACK, client.localPort]);
  });

  it('tells the addresses of IPv4 and IPv6 clients of one dual-stack listener', async () => {
    const { fd, port } = listenOn('::');
    owned(fd);
    const peer = newPeer();
    const four = await dial(port);
    await readable(fd);
    owned(sys.accept(fd, peer));
    expect([sys.addressText(peer.bytes), peer.port]).toEqual(['127.0.0.1', four.localPort]);
    const six = await dial(port, '::1');
    await readable(fd);
    const accepted = owned(sys.accept(fd, peer));
    expect([sys.addressText(peer.bytes), peer.port]).toEqual(['::1', six.localPort]);
    expect(sys.getpeername(accepted)).toEqual({ family: 'IPv6', address: '::1', port: six.localPort });
  });

  it('gives a client of a Unix socket the address unix and port 0', async () => {
    const address = join(tmpdir(), `heddle-libc-${process.pid}.sock`);
    rmSync(address, { force: true });
    const fd = owned(sys.socket(abi.AF_UNIX, abi.SOCK_STREAM | abi.SOCK_NONBLOCK, 0));
    succeeded(sys.bind(fd, { family: 'unix', address, port: 0 }));
    onTestFinished(() => rmSync(address, { force: true }));
    succeeded(sys.listen(fd, 1));
    expect(sys.getsockname(fd)).toEqual({ family: 'unix', address, port: 0 });
    const client = connect(address);
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    const peer = { bytes: new Uint8Array(16).fill(9), port: 9 };
    const accepted = owned(sys.accept(fd, peer));
    expect([sys.addressText(peer.bytes), peer.port]).toEqual(['unix', 0]);
    expect(sys.getpeername(accepted)).toEqual({ family: 'unix', address: '', port: 0 });
  });
});

describe('acceptQueue', () => {
  it('says how many connections wait to be accepted, and how many may', async () => {
    const { fd, port } = listenOn();
    onTestFinished(() => void sys.close(fd));
    expect(sys.acceptQueue(fd)).toEqual({ length: 0, limit: 128 });
    await dial(port);
    await dial(port);
    expect(sys.acceptQueue(fd)).toEqual({ length: 2, limit: 128 });
    owned(sys.accept(fd, newPeer()));
    expect(sys.acceptQueue(fd)).toEqual({ length: 1, limit: 128 });
  });
});

describe('connect', () => {
  it('connects to a Unix socket, of a name without a file too', () => {
    const address: SocketAddress = { family: 'unix', address: `\0heddle-libc-${process.pid}`, port: 0 };
    const listener = owned(sys.socket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0));
    const fd = owned(sys.socket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0));
    expect(sys.connect(fd, address)).toBe(-errno.ECONNREFUSED);
    succeeded(sys.bind(listener, address));
    expect(sys.getsockname(listener)).toEqual(address);
    expect(sys.connect(fd, address)).toBe(0);
    const memory = sys.allocate(8);
    memory.bytes.write('hello');
    expect(sys.send(fd, memory, 0, 5)).toBe(5);
    expect(sys.recv(listener, memory, 0, 8)).toBe(5);
  });

  it('connects to a port', () => {
    const listener = listenOn();
    owned(listener.fd);
    const fd = owned(sys.socket(abi.AF_INET, abi.SOCK_STREAM, 0));
    expect(sys.connect(fd, { family: 'IPv4', address: '127.0.0.1', port: listener.port })).toBe(0);
    expect(sys.getpeername(fd)).toMatchObject({ port: listener.port });
  });
});

describe('fcntl', () => {
  it('reads and changes the flags of a file', () => {
    const fd = owned(sys.socket(abi.AF_UNIX, abi.SOCK_STREAM, 0));
    expect(sys.fcntl(fd, abi.F_GETFL, 0) & abi.O_NONBLOCK).toBe(0);
    expect(sys.fcntl(fd, abi.F_SETFL, abi.O_NONBLOCK)).toBe(0);
    expect(sys.fcntl(fd, abi.F_GETFL, 0) & abi.O_NONBLOCK).toBe(abi.O_NONBLOCK);
    expect(sys.fcntl(fd, 9999, 0)).toBe(-errno.EINVAL);
  });
});

describe('recv and send', () => {
  it('answers EAGAIN while there is nothing to read', async () => {
    const { fd } = await pair();
    expect(sys.recv(fd, sys.allocate(8), 0, 8)).toBe(EAGAIN);
  });

  it('reads into the range that it was given and nowhere else', async () => {
    const { fd, client } = await pair();
    await write(client, 'abcdef');
    await readable(fd);
    const memory = sys.allocate(8);
    expect(sys.recv(fd, memory, 3, 4)).toBe(4);
    expect(memory.bytes.toString('latin1')).toBe('\0\0\0abcd\0');
    expect(sys.recv(fd, memory, 0, 2)).toBe(2);
    expect(memory.bytes.toString('latin1')).toBe('ef\0abcd\0');
  });

  it('reads and writes up to the last byte of a buffer', async () => {
    const { fd, client } = await pair();
    await write(client, 'z');
    await readable(fd);
    const memory = sys.allocate(4);
    expect(sys.recv(fd, memory, 3, 1)).toBe(1);
    expect(sys.send(fd, memory, 4, 0)).toBe(0);
    expect(sys.send(fd, memory, 3, 1)).toBe(1);
    expect(String((await once(client, 'data'))[0])).toBe('z');
  });

  it('sends exactly the range that it was given', async () => {
    const { fd, client } = await pair();
    const memory = sys.wrap(Buffer.from('..hello..'));
    expect(sys.send(fd, memory, 2, 5)).toBe(5);
    expect(String((await once(client, 'data'))[0])).toBe('hello');
  });

  it('answers EAGAIN once the kernel has no room left', async () => {
    const { fd } = await pair();
    const memory = sys.allocate(1 << 20);
    let sent = 0;
    for (let rounds = 0; rounds < 64 && sent >= 0; rounds++) sent = sys.send(fd, memory, 0, memory.size);
    expect(sent).toBe(EAGAIN);
  });

  it('reads 0 once the client has finished, and sends on', async () => {
    const { fd, client } = await pair();
    const data = once(client, 'data');
    client.end();
    const memory = sys.allocate(1);
    await until(() => sys.recv(fd, memory, 0, 1) === 0);
    expect(sys.send(fd, memory, 0, 1)).toBe(1);
    await data;
  });

  it('answers EPIPE after shutdown, without a signal', async () => {
    const { fd, client } = await pair();
    const ended = once(client.resume(), 'end');
    expect(sys.shutdown(fd, abi.SHUT_WR)).toBe(0);
    expect(sys.send(fd, sys.allocate(1), 0, 1)).toBe(EPIPE);
    await ended;
  });

  it('answers ECONNRESET once the client has reset', async () => {
    const { fd, client } = await pair();
    client.resetAndDestroy();
    const memory = sys.allocate(1);
    let result = EAGAIN;
    await until(() => (result = sys.recv(fd, memory, 0, 1)) !== EAGAIN);
    expect(result).toBe(-errno.ECONNRESET);
  });
});

describe('memory', () => {
  it('is zeroed and as long as was asked for', () => {
    const memory = sys.allocate(5);
    expect([memory.size, hex(memory.bytes)]).toEqual([5, '0000000000']);
  });

  it('may be a part of other memory, shared memory too', async () => {
    const { fd, client } = await pair();
    await write(client, 'abcd');
    await readable(fd);
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    const memory = sys.wrap(shared.subarray(2, 6));
    expect(memory.size).toBe(4);
    expect(sys.recv(fd, memory, 1, 3)).toBe(3);
    expect(hex(shared)).toBe('0000006162630000');
  });
});

describe('socket options and names', () => {
  it('gives back what was set', async () => {
    const { fd } = await pair();
    for (const value of [1, 0]) {
      expect(sys.setsockopt(fd, abi.SOL_SOCKET, abi.SO_KEEPALIVE, value)).toBe(0);
      expect(sys.getsockopt(fd, abi.SOL_SOCKET, abi.SO_KEEPALIVE)).toBe(value);
      expect(sys.setsockopt(fd, abi.IPPROTO_TCP, abi.TCP_NODELAY, value)).toBe(0);
      expect(sys.getsockopt(fd, abi.IPPROTO_TCP, abi.TCP_NODELAY)).toBe(value);
    }
    expect(sys.getsockopt(fd, abi.SOL_SOCKET, abi.SO_ERROR)).toBe(0);
  });

  it('answers ENOPROTOOPT for an option that there is not', async () => {
    const { fd } = await pair();
    expect(sys.setsockopt(fd, abi.SOL_SOCKET, 12345, 1)).toBe(-errno.ENOPROTOOPT);
    expect(sys.getsockopt(fd, abi.SOL_SOCKET, 12345)).toBe(-errno.ENOPROTOOPT);
  });

  it('tells both ends of a connection, and ENOTCONN of a socket without one', async () => {
    const { fd, client } = await pair();
    expect(sys.getpeername(fd)).toEqual({ family: 'IPv4', address: '127.0.0.1', port: client.localPort });
    expect(sys.getsockname(fd)).toEqual({ family: 'IPv4', address: '127.0.0.1', port: client.remotePort });
    expect(sys.getpeername(owned(listenOn().fd))).toBe(-errno.ENOTCONN);
  });
});

describe('unread and unsent', () => {
  it('tell how many bytes wait on either side, and at the end of a stream one more until it is confirmed', async () => {
    const { fd, client } = await pair();
    client.pause();
    const memory = sys.wrap(Buffer.alloc(1 << 20, 'x'));
    const fill = (): void => {
      while (sys.send(fd, memory, 0, memory.size) > 0);
    };
    expect([sys.unread(fd), sys.unsent(fd)]).toEqual([0, 0]);
    client.write('hello');
    await vi.waitFor(() => expect(sys.unread(fd)).toBe(5));
    fill();
    await vi.waitFor(() => expect(sys.unsent(fd)).toBeGreaterThan(0));
    expect(sys.shutdown(fd, abi.SHUT_WR)).toBe(0);
    client.resume();
    await vi.waitFor(() => expect(sys.unsent(fd)).toBe(0));
    expect(sys.unread(fd)).toBe(5);
  });

  it('answer EBADF of what is closed', () => {
    const fd = sys.eventfd();
    sys.close(fd);
    expect([sys.unread(fd), sys.unsent(fd)]).toEqual([-errno.EBADF, -errno.EBADF]);
  });
});

describe('close', () => {
  it('closes once, and answers EBADF from then on', () => {
    const fd = sys.eventfd();
    expect([sys.close(fd), sys.close(fd)]).toEqual([0, -errno.EBADF]);
  });
});

describe('duplicate', () => {
  it('gives a second fd for the same, which stays open when the first is closed', () => {
    const first = sys.eventfd();
    const second = owned(sys.duplicate(first));
    expect(second).not.toBe(first);
    expect([sys.eventfdSignal(first), sys.close(first)]).toEqual([0, 0]);
    expect([sys.eventfdClear(second), sys.eventfdClear(second)]).toEqual([0, EAGAIN]);
  });

  it('answers EBADF for what is no fd', () => {
    expect(sys.duplicate(NO_FD)).toBe(-errno.EBADF);
  });
});

describe('epoll', () => {
  it('reports a ready fd with the data that it was added with', () => {
    const set = owned(sys.epollCreate());
    const event = owned(sys.eventfd());
    const events = sys.allocateEvents(4);
    expect(sys.epollControl(set, abi.EPOLL_CTL_ADD, event, abi.EPOLLIN, 7, -3)).toBe(0);
    expect(sys.epollWait(set, events, 0)).toBe(0);
    sys.eventfdSignal(event);
    expect(sys.epollWait(set, events, 1000)).toBe(1);
    expect([events.mask(0), events.low(0), events.high(0)]).toEqual([abi.EPOLLIN, 7, -3]);
  });

  it('reports what it was changed to, and nothing once removed', () => {
    const set = owned(sys.epollCreate());
    const event = owned(sys.eventfd());
    const events = sys.allocateEvents(4);
    sys.epollControl(set, abi.EPOLL_CTL_ADD, event, abi.EPOLLIN, 1, 1);
    expect(sys.epollControl(set, abi.EPOLL_CTL_MOD, event, abi.EPOLLOUT, 2, 3)).toBe(0);
    expect(sys.epollWait(set, events, 1000)).toBe(1);
    expect([events.mask(0), events.low(0), events.high(0)]).toEqual([abi.EPOLLOUT, 2, 3]);
    expect(sys.epollControl(set, abi.EPOLL_CTL_DEL, event, 0, 0, 0)).toBe(0);
    expect(sys.epollWait(set, events, 0)).toBe(0);
  });

  it('reports a one-shot fd once, and again when it is armed while ready', () => {
    const set = owned(sys.epollCreate());
    const event = owned(sys.eventfd());
    const events = sys.allocateEvents(4);
    const mask = abi.EPOLLIN | abi.EPOLLONESHOT;
    sys.eventfdSignal(event);
    sys.epollControl(set, abi.EPOLL_CTL_ADD, event, mask, 0, 0);
    expect([sys.epollWait(set, events, 0), sys.epollWait(set, events, 0)]).toEqual([1, 0]);
    sys.epollControl(set, abi.EPOLL_CTL_MOD, event, mask, 0, 0);
    expect(sys.epollWait(set, events, 0)).toBe(1);
  });

  it('fills no more events than there is room for, and reports the others later', () => {
    const set = owned(sys.epollCreate());
    const events = sys.allocateEvents(2);
    const seen = new Set<number>();
    for (let index = 0; index < 3; index++) {
      const event = owned(sys.eventfd());
      sys.eventfdSignal(event);
      sys.epollControl(set, abi.EPOLL_CTL_ADD, event, abi.EPOLLIN | abi.EPOLLONESHOT, index, 0);
    }
    const counts = [0, 0].map(() => {
      const count = sys.epollWait(set, events, 0);
      for (let index = 0; index < count; index++) seen.add(events.low(index));
      return count;
    });
    expect([counts, seen]).toEqual([[2, 1], new Set([0, 1, 2])]);
  });

  it('answers EEXIST, ENOENT and EBADF', () => {
    const set = owned(sys.epollCreate());
    const event = owned(sys.eventfd());
    const control = (operation: number, fd: number) => sys.epollControl(set, operation, fd, abi.EPOLLIN, 0, 0);
    expect(control(abi.EPOLL_CTL_DEL, event)).toBe(-errno.ENOENT);
    expect(control(abi.EPOLL_CTL_ADD, event)).toBe(0);
    expect(control(abi.EPOLL_CTL_ADD, event)).toBe(-errno.EEXIST);
    expect(control(abi.EPOLL_CTL_ADD, NO_FD)).toBe(-errno.EBADF);
    expect(sys.epollWait(event, sys.allocateEvents(1), 0)).toBe(-errno.EINVAL);
  });
});

describe('eventfd', () => {
  it('is ready from the first signal until it is cleared', () => {
    const set = owned(sys.epollCreate());
    const event = owned(sys.eventfd());
    const events = sys.allocateEvents(1);
    sys.epollControl(set, abi.EPOLL_CTL_ADD, event, abi.EPOLLIN, 0, 0);
    expect(sys.eventfdClear(event)).toBe(EAGAIN);
    expect([sys.eventfdSignal(event), sys.eventfdSignal(event)]).toEqual([0, 0]);
    expect(sys.epollWait(set, events, 0)).toBe(1);
    expect(sys.eventfdClear(event)).toBe(0);
    expect(sys.epollWait(set, events, 0)).toBe(0);
  });
});

describe('timerfd', () => {
  it('is ready once when the time is over, each time that it was set; 0 stops it', () => {
    const set = owned(sys.epollCreate());
    const timer = owned(sys.timerfd());
    const events = sys.allocateEvents(1);
    sys.epollControl(set, abi.EPOLL_CTL_ADD, timer, abi.EPOLLIN | abi.EPOLLET, 0, 0);
    for (let times = 0; times < 2; times++) {
      const start = performance.now();
      expect(sys.timerfdSet(timer, 20)).toBe(0);
      expect(sys.epollWait(set, events, 60_000)).toBe(1);
      expect(performance.now() - start).toBeGreaterThanOrEqual(19);
      expect(sys.epollWait(set, events, 0)).toBe(0);
    }
    expect([sys.timerfdSet(timer, 30), sys.timerfdSet(timer, 0)]).toEqual([0, 0]);
    expect(sys.epollWait(set, events, 60)).toBe(0);
  });

  it('can be put off, also by more than a second', () => {
    const set = owned(sys.epollCreate());
    const timer = owned(sys.timerfd());
    const events = sys.allocateEvents(1);
    sys.epollControl(set, abi.EPOLL_CTL_ADD, timer, abi.EPOLLIN, 0, 0);
    expect([sys.timerfdSet(timer, 10_000), sys.timerfdSet(timer, 600_500)]).toEqual([0, 0]);
    expect(sys.epollWait(set, events, 50)).toBe(0);
    const start = performance.now();
    expect(sys.timerfdSet(timer, 1001)).toBe(0);
    expect(sys.epollWait(set, events, 60_000)).toBe(1);
    expect(performance.now() - start).toBeGreaterThanOrEqual(1000);
  });

  it('takes less than a millisecond', () => {
    const set = owned(sys.epollCreate());
    const timer = owned(sys.timerfd());
    const events = sys.allocateEvents(1);
    sys.epollControl(set, abi.EPOLL_CTL_ADD, timer, abi.EPOLLIN, 0, 0);
    const start = performance.now();
    expect(sys.timerfdSet(timer, 0.25)).toBe(0);
    expect(sys.epollWait(set, events, 60_000)).toBe(1);
    expect(performance.now() - start).toBeGreaterThanOrEqual(0.25);
  });

  it('refuses a time that is none', () => {
    const timer = owned(sys.timerfd());
    for (const time of [-1, -0.5, Infinity, Number.NaN]) expect(() => sys.timerfdSet(timer, time)).toThrow(RangeError);
    expect(sys.timerfdSet(owned(sys.eventfd()), 1)).toBe(-errno.EINVAL);
  });
});

describe('what the process and its threads may and do use', () => {
  it('tells the soft limit of open files', () => {
    const [, soft] = /^Max open files\s+(\w+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    expect(sys.fileLimit()).toBe(soft === 'unlimited' ? Infinity : Number(soft));
  });

  it('reads a CPU clock in milliseconds that runs while its thread computes', () => {
    const before = sys.threadCpuTime(process.pid);
    const { user, system } = process.cpuUsage();
    // Others may have the CPU meanwhile.
    const end = performance.now() + 10_000;
    let used = 0;
    while (used <= 1 && performance.now() < end) used = sys.threadCpuTime(process.pid) - before;
    const spent = process.cpuUsage({ user, system });
    expect(used).toBeGreaterThan(1);
    expect(used).toBeLessThanOrEqual((spent.user + spent.system) / 1000 + 20);
  });

  it('reads the clock of another thread', async () => {
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = startWorker(
      `post(require('node:fs').readlinkSync('/proc/thread-self').split('/').pop());
       while (Atomics.load(data.stop, 0) === 0);`,
      { stop },
    );
    const tid = Number(await messageOf<string>(worker));
    const before = sys.threadCpuTime(tid);
    await until(() => sys.threadCpuTime(tid) > before + 1);
    Atomics.store(stop, 0, 1);
    await once(worker, 'exit');
    expect(sys.threadCpuTime(tid)).toBeLessThan(0);
  });
});

describe('storeAndClose', () => {
  it('stores, then closes', () => {
    const [fd, words] = [sys.eventfd(), new Int32Array(new SharedArrayBuffer(8))];
    expect(sys.storeAndClose(words, 1, 7, fd)).toBe(0);
    expect([...words]).toEqual([0, 7]);
    expect(sys.eventfdSignal(fd)).toBe(-errno.EBADF);
  });

  it('does both in a thread that is told to end between the two', async () => {
    const [fd, words] = [sys.eventfd(), new Int32Array(new SharedArrayBuffer(4))];
    const worker = startWorker(
      `const sys = (await load('sys/libc.ts')).openLibc();
       const value = { valueOf: () => (process.reallyExit(0), 7) };
       sys.storeAndClose(data.words, 0, value, data.fd);
       post('It has not ended');`,
      { fd, words },
    );
    const said = vi.fn<(message: unknown) => void>();
    worker.on('message', said);
    await once(worker, 'exit');
    expect([said.mock.calls, [...words]]).toEqual([[], [7]]);
    expect(sys.eventfdSignal(fd)).toBe(-errno.EBADF);
  });
});

describe('setSlice', () => {
  it('is taken for this thread by kernels that know it, and ignored by others', () => {
    expect(sys.setSlice(0, 3_000_000)).toBe(0);
  });

  it('answers ESRCH for a thread that there is not', () => {
    expect(sys.setSlice(2 ** 30, 3_000_000)).toBe(-errno.ESRCH);
  });
});

describe('addNice', () => {
  it('raises the nice value of one thread, not of the process', async () => {
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = startWorker(
      `post(require('node:fs').readlinkSync('/proc/thread-self').split('/').pop());
       Atomics.wait(data.stop, 0, 0);`,
      { stop },
    );
    const tid = Number(await messageOf<string>(worker));
    const before = getPriority(process.pid);
    expect(sys.addNice(tid, 3)).toBe(0);
    expect(getPriority(tid)).toBe(before + 3);
    expect(getPriority(process.pid)).toBe(before);
    Atomics.store(stop, 0, 1);
    Atomics.notify(stop, 0);
    await once(worker, 'exit');
  });

  it('answers EINVAL for what is no nice value, ESRCH for a thread that there is not', () => {
    expect(sys.addNice(0, 100)).toBe(-errno.EINVAL);
    expect(sys.addNice(0, -100)).toBe(-errno.EINVAL);
    expect(sys.addNice(2 ** 30, 1)).toBe(-errno.ESRCH);
  });
});

describe('addressText', () => {
  it.each([
    [MAPPED_LOOPBACK, '127.0.0.1'],
    ['00000000000000000000ffffffffffff', '255.255.255.255'],
    ['010000000000000000000000756e6978', 'unix'],
    ['00000000000000000000000000000000', '::'],
    ['20010db8000000000000000000000001', '2001:db8::1'],
    ['fe8011112222333344445555aaaabbbb', 'fe80:1111:2222:3333:4444:5555:aaaa:bbbb'],
  ])('reads %s as %s', (bytes, text) => {
    expect(sys.addressText(Buffer.from(bytes, 'hex'))).toBe(text);
  });

  it('refuses what is not 16 bytes long', () => {
    expect(() => sys.addressText(new Uint8Array(15))).toThrow(RangeError);
    expect(() => sys.addressText(new Uint8Array(17))).toThrow(RangeError);
  });
});

describe('arguments that could do harm', () => {
  const memory = sys.allocate(8);
  const events = sys.allocateEvents(1);
  const address: SocketAddress = { family: 'IPv4', address: '127.0.0.1', port: 0 };
  const byFd: [string, (fd: number) => unknown][] = [
    ['bind', (fd) => sys.bind(fd, address)],
    ['listen', (fd) => sys.listen(fd, 1)],
    ['accept', (fd) => sys.accept(fd, newPeer())],
    ['recv', (fd) => sys.recv(fd, memory, 0, 1)],
    ['send', (fd) => sys.send(fd, memory, 0, 1)],
    ['shutdown', (fd) => sys.shutdown(fd, abi.SHUT_WR)],
    ['close', (fd) => sys.close(fd)],
    ['duplicate', (fd) => sys.duplicate(fd)],
    ['unread', (fd) => sys.unread(fd)],
    ['unsent', (fd) => sys.unsent(fd)],
    ['setsockopt', (fd) => sys.setsockopt(fd, abi.SOL_SOCKET, abi.SO_KEEPALIVE, 1)],
    ['getsockopt', (fd) => sys.getsockopt(fd, abi.SOL_SOCKET, abi.SO_KEEPALIVE)],
    ['acceptQueue', (fd) => sys.acceptQueue(fd)],
    ['getsockname', (fd) => sys.getsockname(fd)],
    ['getpeername', (fd) => sys.getpeername(fd)],
    ['epollControl, of the set', (fd) => sys.epollControl(fd, abi.EPOLL_CTL_DEL, 0, 0, 0, 0)],
    ['epollControl, of the member', (fd) => sys.epollControl(0, abi.EPOLL_CTL_DEL, fd, 0, 0, 0)],
    ['epollWait', (fd) => sys.epollWait(fd, events, 0)],
    ['eventfdSignal', (fd) => sys.eventfdSignal(fd)],
    ['eventfdClear', (fd) => sys.eventfdClear(fd)],
    ['timerfdSet', (fd) => sys.timerfdSet(fd, 1)],
  ];

  it.each(byFd)('%s refuses an fd that is none', (_, call) => {
    for (const fd of [1.7, -1, Number.NaN, Infinity, 2 ** 31, 2 ** 32 + 1]) {
      expect(() => call(fd)).toThrow(new RangeError(`not a file descriptor: ${fd}`));
    }
  });

  it.each([
    [0, 9],
    [8, 1],
    [9, 0],
    [4, 5],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [0, 1.5],
    [Number.NaN, 1],
    [2 ** 32, 1],
    [1, 2 ** 32],
  ])('recv and send refuse the range at %d of length %d in 8 bytes', (offset, length) => {
    expect(() => sys.recv(NO_FD, memory, offset, length)).toThrow(RangeError);
    expect(() => sys.send(NO_FD, memory, offset, length)).toThrow(RangeError);
  });

  it('epollWait refuses a wait without an end', () => {
    const set = owned(sys.epollCreate());
    for (const timeout of [-1, 0.5, Infinity, Number.NaN]) {
      expect(() => sys.epollWait(set, events, timeout)).toThrow(new RangeError(`not a bounded wait: ${timeout} ms`));
    }
  });

  it.each<[string, () => unknown]>([
    ['socket', () => sys.socket(2.5, 1, 0)],
    ['socket', () => sys.socket(2, 1.5, 0)],
    ['socket', () => sys.socket(2, 1, 0.5)],
    ['listen', () => sys.listen(NO_FD, 1.5)],
    ['shutdown', () => sys.shutdown(NO_FD, 0.5)],
    ['setsockopt', () => sys.setsockopt(NO_FD, 0.5, 1, 1)],
    ['setsockopt', () => sys.setsockopt(NO_FD, 1, 0.5, 1)],
    ['setsockopt', () => sys.setsockopt(NO_FD, 1, 1, 2 ** 31)],
    ['getsockopt', () => sys.getsockopt(NO_FD, 0.5, 1)],
    ['getsockopt', () => sys.getsockopt(NO_FD, 1, 0.5)],
    ['epollControl', () => sys.epollControl(NO_FD, 1.5, NO_FD, 0, 0, 0)],
    ['threadCpuTime', () => sys.threadCpuTime(1.5)],
    ['setSlice', () => sys.setSlice(1.5, 1)],
    ['setSlice', () => sys.setSlice(0, 0.5)],
    ['setSlice', () => sys.setSlice(0, -1)],
    ['addNice', () => sys.addNice(1.5, 1)],
    ['addNice', () => sys.addNice(0, 0.5)],
  ])('%s refuses a number that is no 32-bit integer', (_, call) => {
    expect(call).toThrow(RangeError);
  });
});

describe('releasePages', () => {
  it('gives whole pages back, which are zero then, and leaves the bytes around them alone', () => {
    const memory = sys.wrap(Buffer.from(new SharedArrayBuffer(2 ** 24)));
    memory.bytes.fill(7);
    const before = residentBytes();
    expect(sys.releasePages(memory, 1_000_000, 14_000_000)).toBe(0);
    expect(before - residentBytes()).toBeGreaterThan(10_000_000);
    expect([memory.bytes[999_999], memory.bytes[8_000_000], memory.bytes[15_000_000]]).toEqual([7, 0, 7]);
  });

  it('does nothing for less than a page, and refuses what is not in the buffer', () => {
    const memory = sys.wrap(Buffer.from(new SharedArrayBuffer(65_536)));
    memory.bytes.fill(7);
    expect(sys.releasePages(memory, 1, 4000)).toBe(0);
    expect(memory.bytes.every((byte) => byte === 7)).toBe(true);
    expect(() => sys.releasePages(memory, 1, 65_536)).toThrow(RangeError);
  });
});

function residentBytes(): number {
  return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[1]) * 4096;
}
