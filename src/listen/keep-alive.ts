/** Has the kernel notice clients that are gone without a word: their machine lost its power, or the network its route. */
import {
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_USER_TIMEOUT,
} from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';

/*
 * A client that says nothing is asked by the kernel after `keepAlive`, then each quarter of that, and is given up after
 * twice `keepAlive`. While bytes wait for it, the kernel asks nothing, it sends these again and again, for 15 minutes by
 * default: TCP_USER_TIMEOUT bounds that too. It also counts the time for which a client that is there reads nothing, so
 * that it must be longer than `sendTimeout`, which is the server's own judgement of such a client (tcp(7)).
 */

/** Questions that stay without an answer until a client is given up. */
const PROBES = 4;

/** The longest TCP_USER_TIMEOUT, an int; 0 is the kernel's own. */
const MOST_MS = 2 ** 31 - 1;

interface Patience {
  readonly keepAlive: number;
  readonly sendTimeout: number;
}

/** Sets what accepted sockets inherit from the listening TCP socket `fd`: no call for each client. */
export function setKeepAlive(sys: Pick<Sys, 'setsockopt'>, fd: number, { keepAlive, sendTimeout }: Patience): void {
  const isOn = keepAlive !== Infinity;
  sys.setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, isOn ? 1 : 0);
  if (!isOn) return;
  const seconds = (ms: number): number => Math.max(1, Math.round(ms / 1000));
  sys.setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds(keepAlive));
  sys.setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds(keepAlive / PROBES));
  sys.setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
  const longest = Math.max(2 * keepAlive, sendTimeout + keepAlive);
  sys.setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, longest <= MOST_MS ? longest : 0);
}
