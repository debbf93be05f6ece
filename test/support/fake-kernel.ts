/** A kernel in memory that knows which thread calls, and holds each call on a client's fd to the rules of the table. */
import type { ConnectionTable } from '../../src/sharing/connection-table.ts';
import {
  EPOCHS,
  epochOf,
  BUSY,
  FREE,
  PINNED,
  MOVING,
  stateOf,
  threadOf,
  withState,
} from '../../src/sharing/control-word.ts';
import { EPOLL_CTL_ADD, EPOLLERR, EPOLLHUP, EPOLLIN } from '../../src/sys/constants.ts';
import { EAGAIN, ENOMEM } from '../../src/sys/errno.ts';
import { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import type { PollSet } from '../../src/sys/structs/poll-set.ts';
import { EpollEvents, type PeerAddress, type SocketAddress, type Sys } from '../../src/sys/sys.ts';
import { storingBefore } from '../../src/sys/without-kernel.ts';
import { FakeEpoll, type Watchable } from './fake-epoll.ts';
import { FakeSocket } from './fake-socket.ts';

export const ACCEPTOR = -1;
/** A service thread's index, or the acceptor. */
export type Caller = number;

class FakeListener implements Watchable {
  readonly backlog: FakeSocket[] = [];
  readonly changes = 0;
  get readiness(): number {
    return this.backlog.length > 0 ? EPOLLIN : 0;
  }
}

class FakeEventfd implements Watchable {
  count = 0;
  readonly changes = 0;
  get readiness(): number {
    return this.count > 0 ? EPOLLIN : 0;
  }
}

const EBADF = -9;
/** poll(2): the fd is not open. */
const POLLNVAL = 0x20;

export class FakeKernel implements Sys {
  caller: Caller = ACCEPTOR;
  /** Runs before each call, as if another thread were faster. */
  interrupt: (call: string) => void = () => {};
  /** What was done against the rules. A service's error handling may swallow what is thrown, so it is kept here. */
  readonly violations: string[] = [];
  /** Counts what changes something: bytes, clients, ends. */
  progress = 0;
  /** How many clients the next calls do not find room to watch. */
  unwatchable = 0;
  now: () => number = () => 0;
  readonly #table: ConnectionTable;
  readonly #files: (Watchable | undefined)[] = [undefined, undefined, undefined];
  /** By fd: the last generation that its number was watched under. */
  readonly #tickets = new Map<number, number>();
  #accepted = 0;

  constructor(table: ConnectionTable) {
    this.#table = table;
  }

  as<T>(caller: Caller, act: () => T): T {
    const before = this.caller;
    this.caller = caller;
    try {
      return act();
    } finally {
      this.caller = before;
    }
  }

  createListener(): number {
    return this.#open(new FakeListener());
  }

  /** A client that waits to be accepted. */
  newClient(listenerFd: number, port: number, capacity: number): FakeSocket {
    const socket = new FakeSocket(port, capacity);
    (this.#files[listenerFd] as FakeListener).backlog.push(socket);
    return socket;
  }

  get openFds(): number {
    return this.#files.filter((file) => file !== undefined).length;
  }

  get sockets(): FakeSocket[] {
    return this.#files.filter((file) => file instanceof FakeSocket);
  }

  allocate(size: number): NativeBuffer {
    return new NativeBuffer(Buffer.alloc(size), () => 0n);
  }

  releasePages(): number {
    return 0;
  }

  trimMemory(): void {}

  allocateEvents(capacity: number): EpollEvents {
    return new EpollEvents(this.allocate(EpollEvents.bytesFor(capacity, false)), false);
  }

  wrap(bytes: Uint8Array): NativeBuffer {
    return new NativeBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), () => 0n);
  }

  accept(fd: number, peer: PeerAddress): number {
    this.interrupt('accept');
    const socket = (this.#files[fd] as FakeListener).backlog.shift();
    if (socket === undefined) return EAGAIN;
    this.progress++;
    socket.serial = ++this.#accepted;
    peer.bytes.fill(0);
    peer.bytes.set([0xff, 0xff, 127, 0, 0, 1], 10);
    peer.port = socket.port;
    return this.#open(socket);
  }

  recv(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    const result = this.#owned('recv', fd).recv(memory.bytes, offset, length);
    if (result >= 0) this.progress++;
    return result;
  }

  send(fd: number, memory: NativeBuffer, offset: number, length: number): number {
    const socket = this.#owned('send', fd);
    const result = socket.send(memory.bytes, offset, length);
    const problem = socket.offered.offer(memory.bytes.subarray(offset, offset + length), Math.max(result, 0));
    if (problem !== undefined) this.#refuse(`send(${fd}) by ${this.caller}: ${problem}`);
    if (result >= 0) this.progress++;
    return result;
  }

  unread(fd: number): number {
    return this.#owned('unread', fd).unread;
  }

  unsent(fd: number): number {
    return this.#owned('unsent', fd).unsent;
  }

  shutdown(fd: number): number {
    this.progress++;
    return this.#owned('shutdown', fd).shutdown();
  }

  close(fd: number): number {
    this.interrupt('close');
    const file = this.#files[fd];
    if (file === undefined) return this.#refuse(`close(${fd}): it is not open`);
    if (file instanceof FakeSocket) this.#closeSocket(fd, file);
    this.#files[fd] = undefined;
    this.progress++;
    for (const set of this.#files) if (set instanceof FakeEpoll) set.forget(fd);
    return 0;
  }

  readonly storeAndClose = storingBefore((fd) => this.close(fd));

  epollCreate(): number {
    return this.#open(new FakeEpoll());
  }

  epollControl(epollFd: number, operation: number, fd: number, mask: number, low: number, high: number): number {
    const file = this.#files[fd];
    if (file instanceof FakeSocket) this.#watching(fd, operation, high);
    else this.interrupt('epoll_ctl');
    const set = this.#files[epollFd];
    if (!(set instanceof FakeEpoll) || file === undefined) return EBADF;
    if (operation === EPOLL_CTL_ADD && file instanceof FakeSocket && this.unwatchable > 0) {
      this.unwatchable--;
      return ENOMEM;
    }
    const result = set.control(operation, fd, file, mask, low, high);
    if (operation === EPOLL_CTL_ADD) this.interrupt('added'); // Its thread may hear of it before this call returns.
    return result;
  }

  epollWait(epollFd: number, events: EpollEvents): number {
    this.interrupt('epoll_wait');
    const set = this.#files[epollFd];
    return set instanceof FakeEpoll ? set.wait(events) : EBADF;
  }

  /** It decides nothing, so whoever calls needs no slot. */
  poll(set: PollSet, count: number): number {
    this.interrupt('poll');
    let ready = 0;
    for (let index = 0; index < count; index++) {
      const readiness = this.#files[set.fd(index)]?.readiness ?? POLLNVAL;
      const revents = readiness & (set.events(index) | EPOLLERR | EPOLLHUP | POLLNVAL);
      set.answer(index, revents);
      if (revents !== 0) ready++;
    }
    return ready;
  }

  eventfd(): number {
    return this.#open(new FakeEventfd());
  }

  eventfdSignal(fd: number): number {
    (this.#files[fd] as FakeEventfd).count++;
    return 0;
  }

  eventfdClear(fd: number): number {
    (this.#files[fd] as FakeEventfd).count = 0;
    return 0;
  }

  /** As if all threads computed all the time. */
  threadCpuTime(): number {
    return this.now();
  }

  exit(): never {
    throw new Error('a test ends by itself');
  }

  isRunnable(): boolean {
    return false;
  }

  setSlice(): number {
    return 0;
  }

  discardOnClose(): number {
    return 0;
  }

  addNice(): number {
    return 0;
  }

  addressText(): string {
    return '127.0.0.1';
  }

  socket = notFaked('socket');
  socketPair = notFaked('socketPair');
  bind = notFaked('bind');
  connect = notFaked('connect');
  listen = notFaked('listen');
  fcntl = notFaked('fcntl');
  setsockopt = notFaked('setsockopt');
  getsockopt = notFaked('getsockopt');
  getsockname: (fd: number) => SocketAddress | number = notFaked('getsockname');
  getpeername: (fd: number) => SocketAddress | number = notFaked('getpeername');
  timerfd = notFaked('timerfd_create');
  timerfdSet = notFaked('timerfd_settime');
  fileLimit = notFaked('getrlimit');
  threadId = notFaked('gettid');
  duplicate = notFaked('fcntl');
  closeAtThreadEnd = (): (() => void) => () => {};
  canStartThread = (): boolean => true;
  sendMessage = notFaked('sendmsg');
  receiveMessage = notFaked('recvmsg');
  peerCredentials = notFaked('getsockopt');
  acceptQueue = notFaked('getsockopt');

  /** The lowest number that is free, as in any Unix. */
  #open(file: Watchable): number {
    const free = this.#files.indexOf(undefined, 3);
    const fd = free < 0 ? this.#files.length : free;
    this.#files[fd] = file;
    return fd;
  }

  /** Rule 1: who calls has the slot, and the slot is of the connection that has the fd. */
  #owned(call: string, fd: number): FakeSocket {
    this.interrupt(call);
    const file = this.#files[fd];
    if (!(file instanceof FakeSocket)) return this.#refuse(`${call}(${fd}) by ${this.caller}: it is no open socket`);
    const word = this.#table.word(fd);
    const state = stateOf(word);
    const what = `${call}(${fd}) by ${this.caller}: the slot is in state ${state} of thread ${threadOf(word)}`;
    if (this.#table.id(fd) !== file.serial) this.#refuse(`${what}, of another connection`);
    if (this.caller === ACCEPTOR) return state === MOVING ? file : this.#refuse(what);
    const hasIt = (state === BUSY || state === PINNED) && threadOf(word) === this.caller;
    const generation = file.generation as number;
    // It is being given back: its next generation is claimed, and perhaps used already.
    const isGiving = state === BUSY && (epochOf(word) - epochOf(generation) + EPOCHS) % EPOCHS <= 1;
    return hasIt && (word === withState(generation, state) || isGiving) ? file : this.#refuse(what);
  }

  /** Rule 2: a new owner has a new generation. The acceptor gives it, or a thread that has claimed it, to give the client back. */
  #watching(fd: number, operation: number, generation: number): void {
    const socket = this.#owned('epoll_ctl', fd);
    if (operation !== EPOLL_CTL_ADD) return;
    if (this.caller !== ACCEPTOR && epochOf(this.#table.word(fd)) !== epochOf(generation)) {
      this.#refuse(`fd ${fd} is added to a set by thread ${this.caller}, which has not claimed its ticket`);
    }
    if (this.#tickets.get(fd) === generation) this.#refuse(`fd ${fd} has the same ticket as in the stay before`);
    this.progress++;
    this.#tickets.set(fd, generation);
    socket.generation = generation;
  }

  /** Rule 3: the slot is free before the fd is closed, and nobody else's. */
  #closeSocket(fd: number, socket: FakeSocket): void {
    const word = this.#table.word(fd);
    const what = `close(${fd}) by ${this.caller}`;
    if (stateOf(word) !== FREE) this.#refuse(`${what}: the slot is in state ${stateOf(word)}`);
    if (this.#table.id(fd) !== socket.serial) this.#refuse(`${what}: the slot is of another connection`);
    if (this.caller !== ACCEPTOR && threadOf(word) !== this.caller) {
      this.#refuse(`${what}: the slot was of thread ${threadOf(word)}`);
    }
    socket.isClosed = true;
  }

  #refuse(violation: string): never {
    this.violations.push(violation);
    throw new Error(violation);
  }
}

function notFaked(call: string): () => number {
  return () => {
    throw new Error(`the fake kernel has no ${call}`);
  };
}
