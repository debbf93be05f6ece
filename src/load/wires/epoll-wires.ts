/** Carries the load on sockets of Heddle's own: one epoll set, and a timer that wakes the thread when a message is due. */

import { Poller } from '../../reactor/poller.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_TCP,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SO_ERROR,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../sys/constants.ts';
import { EAGAIN, EINPROGRESS, errnoName } from '../../sys/errno.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import type { SocketAddress, Sys } from '../../sys/sys.ts';
import { CLOSED_BY_SERVER, LONGEST_SLEEP_MS, type Ticker, type Wire, type WireListener, type Wires } from './wires.ts';

const EVENTS = 1024;
/** The number of the timer's events; those of connections begin above. */
const TIMER = 0;
const BUFFER_BYTES = 64 * 1024;
/** A message that is due sooner than this is waited for awake: a timer takes longer. */
const SHORTEST_SLEEP_MS = 0.03;
/** A wait that took longer than this was a sleep: nothing was there before it ended. */
const SLEPT_MS = 0.03;

const FAMILIES = { IPv4: AF_INET, IPv6: AF_INET6, unix: AF_UNIX } as const;

/** What all connections of a thread use. */
interface Shared {
  readonly sys: Sys;
  readonly poller: Poller;
  readonly input: NativeBuffer;
  readonly output: NativeBuffer;
  /** The open connections, by the number that comes with their events: the kernel gives the same fd again. */
  readonly wires: Map<number, EpollWire>;
}

class EpollWire implements Wire {
  readonly #shared: Shared;
  readonly #fd: number;
  readonly #id: number;
  readonly #listener: WireListener;
  #isOpen = false;
  /** What the kernel has not taken yet. */
  #unsent: Buffer | undefined;

  constructor(shared: Shared, fd: number, id: number, listener: WireListener) {
    this.#shared = shared;
    this.#fd = fd;
    this.#id = id;
    this.#listener = listener;
    shared.wires.set(id, this);
    shared.poller.add(fd, EPOLLIN | EPOLLOUT, id, 0);
  }

  write(bytes: Buffer): void {
    if (this.#unsent !== undefined) {
      this.#unsent = Buffer.concat([this.#unsent, bytes]);
      return;
    }
    const taken = this.#send(bytes);
    if (taken === bytes.length) return;
    this.#unsent = Buffer.from(bytes.subarray(taken));
    this.#watch(EPOLLIN | EPOLLOUT);
  }

  close(reset = false): void {
    const { sys, wires } = this.#shared;
    if (!wires.delete(this.#id)) return;
    if (reset) sys.discardOnClose(this.#fd);
    sys.close(this.#fd);
  }

  onEvents(mask: number, now: number): void {
    if (!this.#isOpen && !this.#settle(mask, now)) return;
    if ((mask & EPOLLOUT) !== 0) this.#flush();
    if ((mask & (EPOLLIN | EPOLLHUP | EPOLLERR)) !== 0) this.#receive(now);
  }

  #watch(mask: number): void {
    this.#shared.poller.modify(this.#fd, mask, this.#id, 0);
  }

  /** The connection is there, or was refused; gives whether it is there. */
  #settle(mask: number, now: number): boolean {
    const error = this.#shared.sys.getsockopt(this.#fd, SOL_SOCKET, SO_ERROR);
    if (error !== 0) this.#end(errnoName(-Math.abs(error)), now);
    if (error !== 0 || (mask & EPOLLOUT) === 0) return false;
    this.#isOpen = true;
    this.#watch(EPOLLIN);
    this.#listener.opened(now);
    return true;
  }

  #receive(now: number): void {
    const { input, sys } = this.#shared;
    const count = sys.recv(this.#fd, input, 0, BUFFER_BYTES);
    if (count > 0) this.#listener.received(Buffer.from(input.bytes.subarray(0, count)), now);
    else if (count !== EAGAIN) this.#end(count === 0 ? CLOSED_BY_SERVER : errnoName(count), now);
  }

  #end(why: string, now: number): void {
    this.close();
    this.#listener.closed(why, now);
  }

  #flush(): void {
    const bytes = this.#unsent;
    if (bytes === undefined) return;
    const taken = this.#send(bytes);
    this.#unsent = taken === bytes.length ? undefined : bytes.subarray(taken);
    if (this.#unsent === undefined) this.#watch(EPOLLIN);
  }

  /** Gives how many bytes the kernel took. An error is told by the next read. */
  #send(bytes: Buffer): number {
    const { output, sys } = this.#shared;
    for (let from = 0; from < bytes.length; ) {
      const length = Math.min(bytes.length - from, BUFFER_BYTES);
      bytes.copy(output.bytes, 0, from, from + length);
      const taken = sys.send(this.#fd, output, 0, length);
      if (taken < 0) return from;
      from += taken;
      if (taken < length) return from;
    }
    return bytes.length;
  }
}

export class EpollWires implements Wires {
  readonly #shared: Shared;
  readonly #address: SocketAddress;
  readonly #timer: number;
  /** Who is told of a connection that was refused at once, when whoever asked for it has it. */
  #refusals: (() => void)[] = [];
  #opened = TIMER;
  /** When the bytes that are received now were not there yet. */
  #notYet = 0;

  /** Throws HEDDLE_LISTEN if the system gives no epoll set. */
  constructor(sys: Sys, address: SocketAddress) {
    const poller = Poller.create(sys, EVENTS);
    const [input, output] = [sys.allocate(BUFFER_BYTES), sys.allocate(BUFFER_BYTES)];
    this.#shared = { sys, poller, input, output, wires: new Map() };
    this.#address = address;
    this.#timer = sys.timerfd();
    // EPOLLET: each time that it is over is told once, without reading it.
    poller.add(this.#timer, EPOLLIN | EPOLLET, TIMER, 0);
  }

  open(listener: WireListener): Wire {
    const { sys } = this.#shared;
    const { family } = this.#address;
    const fd = sys.socket(FAMILIES[family], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return this.#refuse(fd, listener);
    if (family !== 'unix') sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    const result = sys.connect(fd, this.#address);
    if (result >= 0 || result === EINPROGRESS) return new EpollWire(this.#shared, fd, ++this.#opened, listener);
    sys.close(fd);
    return this.#refuse(result, listener);
  }

  #refuse(result: number, listener: WireListener): Wire {
    this.#refusals.push(() => listener.closed(errnoName(result), performance.now()));
    return { write() {}, close() {} };
  }

  lateness(now: number): number {
    return now - this.#notYet;
  }

  async run(ticker: Ticker): Promise<void> {
    let wokenAt = performance.now();
    for (let due = ticker.next(); !Number.isNaN(due); due = ticker.next()) {
      const before = performance.now();
      const count = this.#wait(due - before);
      const now = performance.now();
      this.#notYet = now - before > SLEPT_MS ? now : wokenAt;
      wokenAt = now;
      this.#pass(count);
      ticker.tick(performance.now());
    }
  }

  #wait(left: number): number {
    const { poller, sys } = this.#shared;
    if (left <= SHORTEST_SLEEP_MS || this.#refusals.length > 0) return poller.wait(0);
    if (left < LONGEST_SLEEP_MS) sys.timerfdSet(this.#timer, left);
    return poller.wait(LONGEST_SLEEP_MS);
  }

  #pass(count: number): void {
    const { poller, wires } = this.#shared;
    for (let index = 0; index < count; index++)
      wires.get(poller.events.low(index))?.onEvents(poller.events.mask(index), performance.now());
    if (this.#refusals.length === 0) return;
    for (const refusal of this.#refusals.splice(0)) refusal();
  }

  close(): void {
    const { poller, sys, wires } = this.#shared;
    for (const wire of wires.values()) wire.close();
    sys.close(this.#timer);
    poller.close();
  }
}
