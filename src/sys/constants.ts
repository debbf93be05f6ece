/** Lists numbers of the Linux ABI (the same on x64 and arm64), as in the headers named beside them. */

// <bits/socket.h>
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x40000000;
export const SCM_RIGHTS = 1;

// <asm-generic/socket.h>, <netinet/in.h>, <netinet/tcp.h>
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
export const SO_PEERCRED = 17;
export const SO_ACCEPTCONN = 30;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
/** Begins with a byte for the state. */
export const TCP_INFO = 11;
/** A state, of <netinet/tcp.h>: the connection is gone. */
export const TCP_CLOSE = 7;
export const TCP_USER_TIMEOUT = 18;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

// <asm-generic/ioctls.h>, <linux/sockios.h>
export const FIONREAD = 0x541b;
export const SIOCOUTQ = 0x5411;

// <fcntl.h>
export const F_DUPFD_CLOEXEC = 1030;

// <sys/epoll.h>
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x1;
export const EPOLLPRI = 0x2;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLONESHOT = 1 << 30;
export const EPOLLET = 1 << 31;

// <asm-generic/fcntl.h>
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const FD_CLOEXEC = 1;
export const O_NONBLOCK = 0o4000;

// <bits/mman-linux.h>, <bits/confname.h>
export const MADV_DONTNEED = 4;
export const SC_PAGESIZE = 30;

// <bits/time.h>
export const CLOCK_MONOTONIC = 1;

// <sys/eventfd.h> (of <sys/timerfd.h> they are the same), <bits/resource.h>
export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;
export const RLIMIT_NOFILE = 7;
