/** Lists the functions of libc that Heddle calls. */

/** By name, as koffi reads them. */
export const SIGNATURES = {
  socket: 'int socket(int, int, int)',
  socketpair: 'int socketpair(int, int, int, void *)',
  bind: 'int bind(int, void *, unsigned int)',
  connect: 'int connect(int, void *, unsigned int)',
  listen: 'int listen(int, int)',
  accept4: 'int accept4(int, void *, void *, int)',
  recv: 'int recv(int, void *, size_t, int)', // The lower 32 of its 64 bits say all (checkRange in libc.ts); 15 ns less.
  send: 'int send(int, void *, size_t, int)',
  sendmsg: 'intptr_t sendmsg(int, void *, int)',
  recvmsg: 'intptr_t recvmsg(int, void *, int)',
  shutdown: 'int shutdown(int, int)',
  close: 'int close(int)',
  // Variadic, but on Linux an int goes the same way as a named argument, on x64 and on arm64.
  fcntl: 'int fcntl(int, int, int)',
  ioctl: 'int ioctl(int, unsigned long, void *)', // Variadic as well, and a pointer goes the same way.
  setsockopt: 'int setsockopt(int, int, int, void *, unsigned int)',
  getsockopt: 'int getsockopt(int, int, int, void *, void *)',
  getsockname: 'int getsockname(int, void *, void *)',
  getpeername: 'int getpeername(int, void *, void *)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, void *)',
  epoll_wait: 'int epoll_wait(int, void *, int, int)',
  poll: 'int poll(void *, unsigned long, int)',
  eventfd: 'int eventfd(unsigned int, int)',
  eventfd_write: 'int eventfd_write(int, uint64_t)',
  eventfd_read: 'int eventfd_read(int, void *)',
  timerfd_create: 'int timerfd_create(int, int)',
  timerfd_settime: 'int timerfd_settime(int, int, void *, void *)',
  getrlimit: 'int getrlimit(int, void *)',
  clock_gettime: 'int clock_gettime(int, void *)',
  syscall: 'long syscall(long, int, void *, unsigned int, unsigned int)',
  sysconf: 'long sysconf(int)',
  madvise: 'int madvise(void *, size_t, int)',
  inet_pton: 'int inet_pton(int, str, void *)',
} as const;

/** Those of glibc alone: other C libraries (musl) do without. */
export const GLIBC_SIGNATURES = {
  malloc_trim: 'int malloc_trim(size_t)',
} as const;

/** An address is a number or a bigint. */
export type Call = (...args: (number | bigint | string)[]) => number;

/** All of them, by name. */
export type Calls = { readonly [name in keyof typeof SIGNATURES]: Call };
