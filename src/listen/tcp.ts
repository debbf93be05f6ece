/** Opens a listening TCP socket for the epoll engine. */
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../sys/constants.ts';
import type { SocketAddress, Sys } from '../sys/sys.ts';
import type { InheritedListeners } from './inherited.ts';
import { type ListeningSocket, serverAddress } from './listening-socket.ts';
import { listenAt, listenError, type TcpRequest, type TcpTarget } from './tcp-address.ts';

/**
 * Opens a listening socket, or one for each address of a name. Clients can connect from then on; they wait in the kernel until
 * they are accepted. One of `inherited sockets` that listens there already is taken instead.
 *
 * Errors: `HEDDLE_LISTEN`.
 */
export async function listenTcp(
  sys: Sys,
  place: TcpRequest,
  backlog: number,
  inherited?: InheritedListeners,
): Promise<readonly ListeningSocket[]> {
  return listenAt(
    place,
    (target) => open(sys, target, backlog),
    (host, port) => inherited?.takeTcp(host, port),
  );
}

function open(sys: Sys, target: TcpTarget, backlog: number): ListeningSocket {
  const { address, isAll } = target;
  const v6 = address.family === 'IPv6';
  const fd = sys.socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw listenError('socket', fd, target);
  sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (v6) sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, isAll ? 0 : 1);
  // Accepted sockets inherit it: no call for each client.
  sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const bound = sys.bind(fd, address);
  const result = bound < 0 ? bound : sys.listen(fd, backlog);
  if (result < 0) {
    sys.close(fd);
    throw listenError(bound < 0 ? 'bind' : 'listen', result, target);
  }
  const name = sys.getsockname(fd) as SocketAddress;
  return { fd, address: serverAddress(name), isShared: false, close: () => void sys.close(fd) };
}
