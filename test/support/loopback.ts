/** Real fds for tests: listeners and accepted sockets through `Sys`, with Node's net as the other side. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import {
  AF_INET,
  AF_INET6,
  EPOLL_CTL_ADD,
  EPOLLIN,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../../src/sys/constants.ts';
import { openLibc } from '../../src/sys/libc.ts';
import type { PeerAddress, SocketAddress, Sys } from '../../src/sys/sys.ts';

export const sys: Sys = openLibc();

/** Fails the test where a call failed, and closes the fd that it gave at the end of the test. */
export function owned(fd: number): number {
  succeeded(fd);
  onTestFinished(() => void sys.close(fd));
  return fd;
}

export function succeeded(result: number): number {
  if (result < 0) throw new Error(`a system call failed with errno ${-result}`);
  return result;
}

export function newPeer(): PeerAddress {
  return { bytes: new Uint8Array(16), port: 0 };
}

export interface TestListener {
  readonly fd: number;
  readonly port: number;
}

/** Listens on a free port of `host`, without blocking. Whoever calls closes `fd`. */
export function listenOn(host = '127.0.0.1'): TestListener {
  const family = host.includes(':') ? 'IPv6' : 'IPv4';
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = succeeded(sys.socket(family === 'IPv6' ? AF_INET6 : AF_INET, type, 0));
  succeeded(sys.bind(fd, { family, address: host, port: 0 }));
  succeeded(sys.listen(fd, 128));
  return { fd, port: (sys.getsockname(fd) as SocketAddress).port };
}

/** Connects; the kernel does that without the listener's `accept`. The socket is destroyed at the end of the test. */
export async function dial(port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

export interface Pair {
  readonly fd: number;
  readonly client: Socket;
}

/** An accepted fd, closed at the end of the test, and the client at its other end. */
export async function pair(): Promise<Pair> {
  const listener = listenOn();
  const client = await dial(listener.port);
  await readable(listener.fd);
  const fd = owned(sys.accept(listener.fd, newPeer()));
  sys.close(listener.fd);
  return { fd, client };
}

/** Runs Node's event loop until `check` holds; the test's own time limit ends it otherwise. */
export async function until(check: () => boolean): Promise<void> {
  while (!check()) await nextTurn();
}

/**
 * Resolves when there is something to read of `fd`, or to accept: a busy kernel may bring it a moment after the other side
 * has seen that its call has succeeded.
 */
export async function readable(fd: number): Promise<void> {
  const events = sys.allocateEvents(1);
  const set = succeeded(sys.epollCreate());
  succeeded(sys.epollControl(set, EPOLL_CTL_ADD, fd, EPOLLIN, 0, 0));
  await until(() => sys.epollWait(set, events, 0) > 0);
  sys.close(set);
}

/** Writes and resolves when the kernel has the bytes. */
export async function write(client: Socket, bytes: Uint8Array | string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
