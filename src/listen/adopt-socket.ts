/** Adopts a listening socket that another program opened, such as systemd. */
import { HeddleError } from '../errors.ts';
import {
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  IPPROTO_TCP,
  O_NONBLOCK,
  SO_ACCEPTCONN,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../sys/constants.ts';
import { errnoName } from '../sys/errno.ts';
import type { Sys } from '../sys/sys.ts';
import { type ListeningSocket, serverAddress } from './listening-socket.ts';

/** Takes over `fd`, which is this server's to close from then on; throws, and leaves it alone, if it is no listening socket. */
export function adoptSocket(sys: Sys, fd: number): ListeningSocket {
  const accepts = sys.getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN);
  if (accepts < 0) throw notListening(fd, `the system said ${errnoName(accepts)}`, accepts);
  const name = sys.getsockname(fd);
  if (accepts === 0 || typeof name === 'number') throw notListening(fd, 'it is a socket that nobody can connect to');
  // Whoever opened it may have left it blocking, and open for the programs that this process starts.
  sys.fcntl(fd, F_SETFD, FD_CLOEXEC);
  sys.fcntl(fd, F_SETFL, sys.fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  if (name.family !== 'unix') sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  return { fd, address: serverAddress(name), isShared: true, close: () => void sys.close(fd) };
}

function notListening(fd: number, why: string, result?: number): HeddleError {
  const advice = 'Hand over sockets that listen; with systemd: ListenStream= and Accept=no';
  return new HeddleError('HEDDLE_LISTEN', `Cannot listen on file descriptor ${fd}: ${why}. ${advice}`, {
    syscall: 'getsockopt',
    ...(result !== undefined && { errno: errnoName(result) }),
  });
}
