/** Two ends of a socket of packets, as two processes have that talk of a take-over. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_SEQPACKET } from '../../src/sys/constants.ts';
import { testFolder } from './folder.ts';
import { newPeer, succeeded, sys } from './loopback.ts';

export interface PacketPair {
  readonly here: number;
  readonly there: number;
  /** Closes one end before the test is over. */
  close(fd: number): void;
}

/** Opens a socket of packets; whoever calls closes it. */
export function packetSocket(): number {
  return succeeded(sys.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/** Connects to the socket of packets at `path`; whoever calls closes the fd. */
export function dialPackets(path: string): number {
  const fd = packetSocket();
  succeeded(sys.connect(fd, { family: 'unix', address: path, port: 0 }));
  return fd;
}

/** Both ends are closed at the end of the test. */
export function packetPair(): PacketPair {
  const address = join(testFolder(), 'pair');
  const listener = packetSocket();
  succeeded(sys.bind(listener, { family: 'unix', address, port: 0 }));
  succeeded(sys.listen(listener, 1));
  const here = dialPackets(address);
  const there = succeeded(sys.accept(listener, newPeer()));
  sys.close(listener);
  const open = new Set([here, there]);
  const close = (fd: number): void => {
    if (open.delete(fd)) sys.close(fd);
  };
  onTestFinished(() => {
    for (const fd of open) close(fd);
  });
  return { here, there, close };
}
