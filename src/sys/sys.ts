/** Defines what Heddle asks of the kernel. Tests put a twin behind this interface that fails on purpose. */
import type { NativeBuffer } from './structs/native-buffer.ts';
import type { PollSet } from './structs/poll-set.ts';

/**
 * An address of a socket. For a Unix socket it is the path and `port` is 0; a name without a file (unix(7), "abstract")
 * begins with a zero character, or `@` where it is given to the kernel.
 */
export interface SocketAddress {
  readonly family: 'IPv4' | 'IPv6' | 'unix';
  readonly address: string;
  readonly port: number;
  /** The interface that a link-local IPv6 address is on (its zone), by its number. */
  readonly scope?: number | undefined;
}

/** The address of an accepted client in binary, ready for shared memory: IPv4 as `::ffff:a.b.c.d`, a Unix client as `::`. */
export interface PeerAddress {
  /** 16 bytes, network order. Overwritten by the next `accept`. */
  readonly bytes: Uint8Array;
  port: number;
}

/** Who is at the other end of a Unix socket; of a listener's, who called `listen`. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
}

/** How many fds one message may carry (unix(7), SCM_RIGHTS). */
export const MOST_FDS_SENT = 253;

/**
 * System calls. Each returns what the call returned (0 or more), or the errno with its sign turned (below zero; see
 * `errno.ts`): failing is an ordinary result here. Arguments that could harm memory (an fd that is no integer, a range
 * outside its buffer) throw a RangeError before they cross. May be called on any thread.
 */
export interface AcceptQueueLength {
  readonly length: number;
  readonly limit: number;
}

export interface Sys {
  /** Makes memory that calls may read and write, `size` bytes, zeroed. */
  allocate(size: number): NativeBuffer;
  /** Makes room for `capacity` events of `epollWait`. */
  allocateEvents(capacity: number): EpollEvents;
  /** Makes existing memory usable for calls; it must not be detached while it is used. A Buffer stays the same object. */
  wrap(bytes: Uint8Array): NativeBuffer;

  /**
   * Gives the whole pages of a part of `memory` back to the system (madvise with MADV_DONTNEED): they are zero when they are
   * read next. For memory that was allocated as a SharedArrayBuffer.
   */
  releasePages(memory: NativeBuffer, offset: number, length: number): number;
  /** Has malloc give back the memory that was freed (malloc_trim of glibc; elsewhere nothing). */
  trimMemory(): void;

  socket(family: number, type: number, protocol: number): number;
  /** Opens two Unix sockets that are connected with each other, of `type`; or gives the errno. */
  socketPair(type: number): readonly [number, number] | number;
  bind(fd: number, address: SocketAddress): number;
  connect(fd: number, address: SocketAddress): number;
  listen(fd: number, backlog: number): number;
  /** accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC. */
  accept(fd: number, peer: PeerAddress): number;
  recv(fd: number, memory: NativeBuffer, offset: number, length: number): number;
  /** send with MSG_NOSIGNAL. */
  send(fd: number, memory: NativeBuffer, offset: number, length: number): number;
  /**
   * sendmsg with MSG_NOSIGNAL: sends bytes, at least one, and with them a copy of each of `fds`, at most `MOST_FDS_SENT`.
   * For Unix sockets.
   */
  sendMessage(fd: number, memory: NativeBuffer, offset: number, length: number, fds: readonly number[]): number;
  /**
   * recvmsg with MSG_CMSG_CLOEXEC: receives bytes, and with them fds, which are the caller's to close. `fds` is emptied
   * first; fewer come than were sent if this process may open no more.
   */
  receiveMessage(fd: number, memory: NativeBuffer, offset: number, length: number, fds: number[]): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  /**
   * Stores `value` as `words[at]`, then closes `fd`. A thread that is ended from outside has done both or neither: V8 ends it where a
   * function of JavaScript begins.
   */
  storeAndClose(words: Int32Array, at: number, value: number, fd: number): number;
  /** Has `fd` closed when this thread ends, however it ends; gives a function that undoes it, to be called before `close`. */
  closeAtThreadEnd(fd: number): () => void;
  /** Whether the system starts one more thread for this process now; it takes some 50 µs. */
  canStartThread(): boolean;
  /** Gives a second fd for what `fd` is (fcntl with F_DUPFD_CLOEXEC): each of the two has to be closed. */
  duplicate(fd: number): number;
  setsockopt(fd: number, level: number, option: number, value: number): number;
  /** Returns the option's value (an int), or the errno. */
  getsockopt(fd: number, level: number, option: number): number;
  /** Has `close` discard what was not sent yet and reset the connection (SO_LINGER of 0 s), instead of sending on. */
  discardOnClose(fd: number): number;
  /** How many bytes have arrived on a socket and were not read (FIONREAD), or the errno. */
  unread(fd: number): number;
  /**
   * How many bytes the kernel still keeps of what was sent, since the other side has not confirmed them (SIOCOUTQ, tcp(7)); the end of
   * the stream counts as one. Or the errno.
   */
  unsent(fd: number): number;
  /** fcntl(2) with a command that takes an int, or nothing (then `value` is 0). */
  fcntl(fd: number, command: number, value: number): number;
  getsockname(fd: number): SocketAddress | number;
  getpeername(fd: number): SocketAddress | number;
  /** SO_PEERCRED of a connected Unix socket. */
  peerCredentials(fd: number): PeerCredentials | number;
  /** How many connections wait at a listening TCP socket to be accepted, and how many may (TCP_INFO, tcp(7)); or the errno. */
  acceptQueue(fd: number): AcceptQueueLength | number;

  epollCreate(): number;
  /** `low` and `high` come back with each event: the two halves of its 64 bits of data. */
  epollControl(epollFd: number, operation: number, fd: number, events: number, low: number, high: number): number;
  /** Waits at most `timeout` ms and fills `events`; `timeout` below zero is refused: a thread in an endless wait cannot be ended. */
  epollWait(epollFd: number, events: EpollEvents, timeout: number): number;

  /** Asks, without waiting, which of the first `count` fds of `set` are ready. Returns how many are; `set` tells which. */
  poll(set: PollSet, count: number): number;

  eventfd(): number;
  /** Adds one to an eventfd: wakes whoever waits for it. */
  eventfdSignal(fd: number): number;
  /** Sets an eventfd back to zero. */
  eventfdClear(fd: number): number;

  /** Makes a timer that is not started; its fd can be read when it has run out (timerfd_create(2), CLOCK_MONOTONIC). */
  timerfd(): number;
  /** Has the timer `fd` run out once, `milliseconds` (which may have a fraction) from now, and no sooner; 0 stops it. */
  timerfdSet(fd: number, milliseconds: number): number;

  /** Ends this process at once (_exit(2)), with `status`: nothing is flushed, and no thread is waited for. */
  exit(status: number): void;

  /** The most fds this process may have open (the soft RLIMIT_NOFILE; `Infinity` if there is none), or the errno. */
  fileLimit(): number;
  /** The number that the system has for this thread. */
  threadId(): number;
  /** CPU time that thread `tid` of this process has used, in ms, or the errno. */
  threadCpuTime(tid: number): number;
  /** Whether thread `tid` of this process runs, or would if it had a CPU; false if it has ended. */
  isRunnable(tid: number): boolean;
  /**
   * Sets the time slice of thread `tid` (0: this one) in the kernel's fair scheduler, in ns: a thread with a short slice
   * is let run sooner when it wakes. Kernels before 6.12 ignore it. Needs no privilege.
   */
  setSlice(tid: number, nanoseconds: number): number;
  /**
   * Adds `amount` to the nice value of thread `tid` (0: this one): the higher, the smaller its share of a CPU that others
   * want too. Answers EINVAL if that gives no nice value (-20 to 19), EPERM if this process may not lower it.
   */
  addNice(tid: number, amount: number): number;
  /** Turns a 16-byte address into text: `127.0.0.1` for `::ffff:127.0.0.1`, `unix` for that of a Unix client. */
  addressText(bytes: Uint8Array): string;
}

/** The array that `epoll_wait` fills, read by index: nobody else knows the layout of `struct epoll_event`. */
export class EpollEvents {
  readonly memory: NativeBuffer;
  readonly capacity: number;
  /** Signed, as V8's small integers are; who needs all 32 bits unsigned says so. */
  readonly #words: Int32Array;
  readonly #stride: number;
  readonly #data: number;

  /** `packed`: on x64 the struct has no padding (12 bytes, see epoll_ctl(2) and <sys/epoll.h>), elsewhere 16. */
  constructor(memory: NativeBuffer, packed: boolean) {
    this.memory = memory;
    this.#words = new Int32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.size >> 2);
    this.#stride = packed ? 3 : 4;
    this.#data = packed ? 1 : 2;
    this.capacity = Math.floor(this.#words.length / this.#stride);
  }

  static bytesFor(capacity: number, packed: boolean): number {
    return capacity * (packed ? 12 : 16);
  }

  mask(index: number): number {
    return this.#words[index * this.#stride] as number;
  }

  low(index: number): number {
    return this.#words[index * this.#stride + this.#data] as number;
  }

  high(index: number): number {
    return this.#words[index * this.#stride + this.#data + 1] as number;
  }

  set(index: number, mask: number, low: number, high: number): void {
    const at = index * this.#stride;
    this.#words[at] = mask;
    this.#words[at + this.#data] = low;
    this.#words[at + this.#data + 1] = high;
  }
}
