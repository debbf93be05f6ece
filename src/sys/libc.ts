/** Implements `Sys` over libc through koffi. The only file that calls the FFI. */
import { readFileSync } from 'node:fs';
import { HeddleError } from '../errors.ts';
import {
  AF_UNIX,
  CLOCK_MONOTONIC,
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  F_DUPFD_CLOEXEC,
  FIONREAD,
  MADV_DONTNEED,
  MSG_CMSG_CLOEXEC,
  MSG_NOSIGNAL,
  RLIMIT_NOFILE,
  SC_PAGESIZE,
  SIOCOUTQ,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SO_LINGER,
  SO_PEERCRED,
  TCP_INFO,
  IPPROTO_TCP,
} from './constants.ts';
import { EINVAL } from './errno.ts';
import { tooFewFiles } from './file-limit.ts';
import { type Koffi, loadKoffi } from './koffi.ts';
import { MessageHeader } from './structs/message-header.ts';
import { NativeBuffer } from './structs/native-buffer.ts';
import { loadNative } from './native-load.ts';
import { PollSet } from './structs/poll-set.ts';
import { SCHED_GETATTR, SCHED_SETATTR, SchedAttributes } from './structs/sched-attributes.ts';
import { notAllowed } from './permissions.ts';
import { canStartThread, closeAtThreadEnd } from './pthread.ts';
import { type Call, type Calls, GLIBC_SIGNATURES, SIGNATURES } from './signatures.ts';
import {
  formatPeer,
  readPeer,
  readSocketAddress,
  SOCKADDR_SIZE,
  writeSocketAddress,
} from './structs/socket-address.ts';
import {
  type AcceptQueueLength,
  EpollEvents,
  type PeerAddress,
  type PeerCredentials,
  type SocketAddress,
  type Sys,
} from './sys.ts';

/** gettid(2) has a wrapper in newer C libraries only; its number is the architecture's (<asm/unistd.h>). */
const GETTID = process.arch === 'x64' ? 186 : 178;

/** x64 packs `struct epoll_event` (see <sys/epoll.h>); no other 64-bit architecture does. */
const EPOLL_PACKED = process.arch === 'x64';

/** `struct itimerspec`: an interval, here 0, and a value, each of two 64-bit numbers: seconds and nanoseconds. */
const ITIMERSPEC_SIZE = 32;
const ITIMERSPEC_SECONDS_AT = 16;
const ITIMERSPEC_NANOSECONDS_AT = 24;
/** `struct ucred`: pid, uid, gid. */
const UCRED_SIZE = 12;
/** As much of `struct tcp_info` as is read. */
const TCP_INFO_SIZE = 32;

/**
 * Opens libc for this thread.
 *
 * Errors: `HEDDLE_UNSUPPORTED` where the epoll engine cannot run (not Linux, or koffi is not installed).
 */
export function openLibc(): Sys {
  if (process.platform !== 'linux') {
    throw new HeddleError('HEDDLE_UNSUPPORTED', `the epoll engine runs on Linux only, this is ${process.platform}`);
  }
  try {
    return loadNative(() => new Libc(loadKoffi()));
  } catch (cause) {
    const shortage = tooFewFiles(cause);
    if (shortage !== undefined) throw shortage;
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_DISABLED')
      throw notAllowed('load koffi, through which it calls the kernel', cause);
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new HeddleError(
      'HEDDLE_UNSUPPORTED',
      `cannot load koffi, through which Heddle calls the kernel: ${reason}. Install it with: npm install koffi`,
      { cause },
    );
  }
}

function checkFd(fd: number): void {
  if ((fd | 0) !== fd || fd < 0) throw new RangeError(`not a file descriptor: ${fd}`);
}

function checkInt(value: number): void {
  if ((value | 0) !== value) throw new RangeError(`not a 32-bit integer: ${value}`);
}

function checkRange(memory: NativeBuffer, offset: number, length: number): void {
  if ((offset | 0) !== offset || (length | 0) !== length || offset < 0 || length < 0 || offset + length > memory.size) {
    throw new RangeError(`bytes ${offset} to ${offset + length} are not inside a buffer of ${memory.size}`);
  }
}

function findMallocTrim(library: ReturnType<Koffi['load']>): Call | undefined {
  try {
    return library.func(GLIBC_SIGNATURES.malloc_trim);
  } catch {
    return undefined;
  }
}

class Libc implements Sys {
  readonly #calls: Calls;
  /** Makes the call of a signature that is seldom used. */
  readonly #find: (signature: string) => Call;
  readonly #mallocTrim: Call | undefined;
  readonly #errno: () => number;
  readonly #addressOf: (bytes: Uint8Array) => bigint;
  /** Small structures that go in and out of calls: a sockaddr, its length, an int, an epoll_event. */
  readonly #sockaddr: NativeBuffer;
  readonly #length: NativeBuffer;
  readonly #value: NativeBuffer;
  readonly #event: EpollEvents;
  readonly #attributes: SchedAttributes;
  readonly #timer: NativeBuffer;
  readonly #header: MessageHeader;

  constructor(koffi: Koffi) {
    const library = koffi.load(null);
    this.#find = (signature) => library.func(signature);
    const calls = Object.entries(SIGNATURES).map(([name, signature]) => [name, library.func(signature)]);
    this.#calls = Object.fromEntries(calls) as Calls;
    this.#mallocTrim = findMallocTrim(library);
    this.#errno = koffi.errno;
    this.#addressOf = (bytes) => koffi.address(bytes);
    this.#sockaddr = this.allocate(SOCKADDR_SIZE);
    this.#length = this.allocate(4);
    this.#value = this.allocate(TCP_INFO_SIZE);
    this.#event = this.allocateEvents(1);
    this.#attributes = new SchedAttributes((size) => this.allocate(size));
    this.#timer = this.allocate(ITIMERSPEC_SIZE);
    this.#header = new MessageHeader((size) => this.allocate(size));
  }

  allocate(size: number): NativeBuffer {
    return new NativeBuffer(Buffer.from(new ArrayBuffer(size)), this.#addressOf);
  }

  allocateEvents(capacity: number): EpollEvents {
    return new EpollEvents(this.allocate(EpollEvents.bytesFor(capacity, EPOLL_PACKED)), EPOLL_PACKED);
  }

  wrap(bytes: Uint8Array): NativeBuffer {
    return new NativeBuffer(bytes, this.#addressOf);
  }

  releasePages(memory: NativeBuffer, offset: number, length: number): number {
    checkRange(memory, offset, length);
    const start = memory.address + offset;
    const page = this.#calls.sysconf(SC_PAGESIZE);
    const from = Math.ceil(start / page) * page;
    const to = Math.floor((start + length) / page) * page;
    return to <= from ? 0 : this.#result(this.#calls.madvise(from, to - from, MADV_DONTNEED));
  }

  trimMemory(): void {
    this.#mallocTrim?.(0);
  }

  socket(family: number, type: number, protocol: number): number {
    checkInt(family);
    checkInt(type);
    checkInt(protocol);
    return this.#result(this.#calls.socket(family, type, protocol));
  }

  socketPair(type: number): readonly [number, number] | number {
    checkInt(type);
    const { address, bytes } = this.#value;
    const result = this.#result(this.#calls.socketpair(AF_UNIX, type, 0, address));
    return result < 0 ? result : [bytes.readInt32LE(0), bytes.readInt32LE(4)];
  }

  bind(fd: number, address: SocketAddress): number {
    checkFd(fd);
    return this.#result(this.#calls.bind(fd, this.#sockaddr.address, this.#writeAddress(address)));
  }

  connect(fd: number, address: SocketAddress): number {
    checkFd(fd);
    return this.#result(this.#calls.connect(fd, this.#sockaddr.address, this.#writeAddress(address)));
  }

  listen(fd: number, backlog: number): number {
    checkFd(fd);
    checkInt(backlog);
    return this.#result(this.#calls.listen(fd, backlog));
  }

  accept(fd: number, peer: PeerAddress): number {
    checkFd(fd);
    this.#length.bytes.writeUInt32LE(SOCKADDR_SIZE, 0);
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const client = this.#result(this.#calls.accept4(fd, this.#sockaddr.address, this.#length.address, flags));
    if (client >= 0) peer.port = readPeer(this.#sockaddr.bytes, peer.bytes);
    return client;
  }

  recv(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    checkFd(fd);
    checkRange(memory, offset, length);
    return this.#result(this.#calls.recv(fd, memory.at(offset), length, 0));
  }

  send(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    checkFd(fd);
    checkRange(memory, offset, length);
    return this.#result(this.#calls.send(fd, memory.at(offset), length, MSG_NOSIGNAL));
  }

  sendMessage(fd: number, memory: NativeBuffer, offset: number, length: number, fds: readonly number[]): number {
    checkFd(fd);
    checkRange(memory, offset, length);
    if (length === 0) throw new RangeError('a message that carries fds has at least one byte');
    for (const sent of fds) checkFd(sent);
    this.#header.write(memory.address + offset, length, fds);
    return this.#result(this.#calls.sendmsg(fd, this.#header.address, MSG_NOSIGNAL));
  }

  receiveMessage(fd: number, memory: NativeBuffer, offset: number, length: number, fds: number[]): number {
    checkFd(fd);
    checkRange(memory, offset, length);
    fds.length = 0;
    this.#header.makeRoom(memory.address + offset, length);
    const received = this.#result(this.#calls.recvmsg(fd, this.#header.address, MSG_CMSG_CLOEXEC));
    if (received >= 0) this.#header.takeFds(fds);
    return received;
  }

  shutdown(fd: number, how: number): number {
    checkFd(fd);
    checkInt(how);
    return this.#result(this.#calls.shutdown(fd, how));
  }

  close(fd: number): number {
    checkFd(fd);
    return this.#result(this.#calls.close(fd));
  }

  storeAndClose(words: Int32Array, at: number, value: number, fd: number): number {
    checkFd(fd);
    const { close } = this.#calls;
    // No function of JavaScript between the two: this thread may be ended where one begins.
    Atomics.store(words, at, value);
    const result = close(fd);
    return this.#result(result);
  }

  closeAtThreadEnd(fd: number): () => void {
    checkFd(fd);
    return closeAtThreadEnd(this.#find, fd, this.#value);
  }

  canStartThread(): boolean {
    return canStartThread(this.#find, this.#value);
  }

  duplicate(fd: number): number {
    checkFd(fd);
    return this.#result(this.#calls.fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }

  setsockopt(fd: number, level: number, option: number, value: number): number {
    checkFd(fd);
    checkInt(level);
    checkInt(option);
    this.#value.bytes.writeInt32LE(value, 0);
    return this.#result(this.#calls.setsockopt(fd, level, option, this.#value.address, 4));
  }

  getsockopt(fd: number, level: number, option: number): number {
    checkFd(fd);
    checkInt(level);
    checkInt(option);
    this.#length.bytes.writeUInt32LE(4, 0);
    const result = this.#calls.getsockopt(fd, level, option, this.#value.address, this.#length.address);
    return result < 0 ? this.#result(result) : this.#value.bytes.readInt32LE(0);
  }

  discardOnClose(fd: number): number {
    checkFd(fd);
    this.#value.bytes.writeInt32LE(1, 0);
    this.#value.bytes.writeInt32LE(0, 4);
    return this.#result(this.#calls.setsockopt(fd, SOL_SOCKET, SO_LINGER, this.#value.address, 8));
  }

  unread(fd: number): number {
    return this.#askSocket(fd, FIONREAD);
  }

  unsent(fd: number): number {
    return this.#askSocket(fd, SIOCOUTQ);
  }

  fcntl(fd: number, command: number, value: number): number {
    checkFd(fd);
    checkInt(command);
    checkInt(value);
    return this.#result(this.#calls.fcntl(fd, command, value));
  }

  getsockname(fd: number): SocketAddress | number {
    return this.#name(this.#calls.getsockname, fd);
  }

  getpeername(fd: number): SocketAddress | number {
    return this.#name(this.#calls.getpeername, fd);
  }

  peerCredentials(fd: number): PeerCredentials | number {
    checkFd(fd);
    this.#length.bytes.writeUInt32LE(UCRED_SIZE, 0);
    const { address, bytes } = this.#value;
    const result = this.#result(this.#calls.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, address, this.#length.address));
    return result < 0 ? result : { pid: bytes.readInt32LE(0), uid: bytes.readUInt32LE(4) };
  }

  acceptQueue(fd: number): AcceptQueueLength | number {
    checkFd(fd);
    this.#length.bytes.writeUInt32LE(TCP_INFO_SIZE, 0);
    const { address, bytes } = this.#value;
    const result = this.#result(this.#calls.getsockopt(fd, IPPROTO_TCP, TCP_INFO, address, this.#length.address));
    // Of a socket that listens, `tcpi_unacked` and `tcpi_sacked` are the length of the queue and its limit.
    return result < 0 ? result : { length: bytes.readUInt32LE(24), limit: bytes.readUInt32LE(28) };
  }

  epollCreate(): number {
    return this.#result(this.#calls.epoll_create1(SOCK_CLOEXEC));
  }

  epollControl(epollFd: number, operation: number, fd: number, events: number, low: number, high: number): number {
    checkFd(epollFd);
    checkFd(fd);
    checkInt(operation);
    this.#event.set(0, events, low, high);
    return this.#result(this.#calls.epoll_ctl(epollFd, operation, fd, this.#event.memory.address));
  }

  epollWait(epollFd: number, events: EpollEvents, timeout: number): number {
    checkFd(epollFd);
    if ((timeout | 0) !== timeout || timeout < 0) throw new RangeError(`not a bounded wait: ${timeout} ms`);
    return this.#result(this.#calls.epoll_wait(epollFd, events.memory.at(0), events.capacity, timeout));
  }

  poll(set: PollSet, count: number): number {
    checkRange(set.memory, 0, PollSet.bytesFor(count));
    return this.#result(this.#calls.poll(set.memory.at(0), count, 0));
  }

  eventfd(): number {
    return this.#result(this.#calls.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  }

  eventfdSignal(fd: number): number {
    checkFd(fd);
    return this.#result(this.#calls.eventfd_write(fd, 1));
  }

  eventfdClear(fd: number): number {
    checkFd(fd);
    return this.#result(this.#calls.eventfd_read(fd, this.#value.address));
  }

  timerfd(): number {
    return this.#result(this.#calls.timerfd_create(CLOCK_MONOTONIC, EFD_NONBLOCK | EFD_CLOEXEC));
  }

  timerfdSet(fd: number, milliseconds: number): number {
    checkFd(fd);
    checkInt(Math.floor(milliseconds));
    if (milliseconds < 0) throw new RangeError(`not a time: ${milliseconds} ms`);
    this.#timer.bytes.writeInt32LE(Math.floor(milliseconds / 1000), ITIMERSPEC_SECONDS_AT);
    this.#timer.bytes.writeInt32LE((milliseconds % 1000) * 1_000_000, ITIMERSPEC_NANOSECONDS_AT);
    return this.#result(this.#calls.timerfd_settime(fd, 0, this.#timer.address, 0));
  }

  exit(status: number): void {
    checkInt(status);
    this.#find('void _exit(int)')(status);
  }

  fileLimit(): number {
    const result = this.#result(this.#calls.getrlimit(RLIMIT_NOFILE, this.#value.address));
    if (result < 0) return result;
    const soft = this.#value.bytes.readBigUInt64LE(0);
    return soft >= 2n ** 53n ? Infinity : Number(soft);
  }

  threadId(): number {
    return this.#result(this.#calls.syscall(GETTID, 0, 0, 0, 0));
  }

  threadCpuTime(tid: number): number {
    checkInt(tid);
    // The clock of another thread, as pthread_getcpuclockid(3) makes it: ~tid in the upper bits, CPUCLOCK_PERTHREAD
    // and CPUCLOCK_SCHED in the lower three (kernel: include/linux/posix-timers.h).
    const result = this.#result(this.#calls.clock_gettime((~tid << 3) | 6, this.#value.address));
    if (result < 0) return result;
    return Number(this.#value.bytes.readBigInt64LE(0)) * 1e3 + Number(this.#value.bytes.readBigInt64LE(8)) / 1e6;
  }

  isRunnable(tid: number): boolean {
    checkInt(tid);
    try {
      // The third field of proc(5), /proc/pid/stat; the second is a name, and may have a parenthesis in it.
      const stat = readFileSync(`/proc/self/task/${tid}/stat`, 'latin1');
      return stat.charAt(stat.lastIndexOf(')') + 2) === 'R';
    } catch {
      return false; // It has ended.
    }
  }

  setSlice(tid: number, nanoseconds: number): number {
    checkInt(nanoseconds);
    const got = this.#readAttributes(tid);
    if (got < 0) return got;
    this.#attributes.setSlice(nanoseconds);
    return this.#writeAttributes(tid);
  }

  addNice(tid: number, amount: number): number {
    checkInt(amount);
    const got = this.#readAttributes(tid);
    if (got < 0) return got;
    return this.#attributes.addNice(amount) ? this.#writeAttributes(tid) : EINVAL;
  }

  addressText(bytes: Uint8Array): string {
    return formatPeer(bytes);
  }

  /** An ioctl(2) that answers with an int. */
  #askSocket(fd: number, request: number): number {
    checkFd(fd);
    const result = this.#result(this.#calls.ioctl(fd, request, this.#value.address));
    return result < 0 ? result : this.#value.bytes.readInt32LE(0);
  }

  /** errno must be read at once: any other native call on this thread may change it. */
  #result(value: number): number {
    return value < 0 ? -this.#errno() : value;
  }

  #readAttributes(tid: number): number {
    checkInt(tid);
    const { address, size } = this.#attributes.memory;
    return this.#result(this.#calls.syscall(SCHED_GETATTR, tid, address, size, 0));
  }

  #writeAttributes(tid: number): number {
    return this.#result(this.#calls.syscall(SCHED_SETATTR, tid, this.#attributes.memory.address, 0, 0));
  }

  /** Returns how many bytes of `#sockaddr` the address takes. */
  #writeAddress(address: SocketAddress): number {
    return writeSocketAddress(address, this.#sockaddr.bytes, (family, text, target) => {
      const parsed = this.#calls.inet_pton(family, text, this.#value.address);
      this.#value.bytes.copy(target, 0, 0, target.length);
      return parsed === 1;
    });
  }

  #name(call: Call, fd: number): SocketAddress | number {
    checkFd(fd);
    this.#length.bytes.writeUInt32LE(SOCKADDR_SIZE, 0);
    const result = this.#result(call(fd, this.#sockaddr.address, this.#length.address));
    if (result < 0) return result;
    const length = this.#length.bytes.readUInt32LE(0);
    return readSocketAddress(this.#sockaddr.bytes, length);
  }
}
