/** Plays what the kernel does for the policy: epoll sets, CPU clocks, nice values; and takes note of what calls cost. */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLIN, EPOLLOUT } from '../../src/sys/constants.ts';
import { NativeBuffer } from '../../src/sys/structs/native-buffer.ts';
import type { PollSet } from '../../src/sys/structs/poll-set.ts';
import { EpollEvents, type Sys } from '../../src/sys/sys.ts';
import type { Client } from './client.ts';
import type { Cpus, Task } from './cpus.ts';
import { Queue } from './queue.ts';
import type { Timeline } from './timeline.ts';

/** What system calls cost, in ms, the call through the FFI included. */
const CONTROL_MS = 0.0025;
const WAIT_MS = 0.0015;
const POLL_MS = 0.002;
const CLOCK_MS = 0.001;
/** A file of /proc is opened and read. */
const STATE_MS = 0.012;

/** How a client's socket is watched. */
interface Watched {
  readonly client: Client;
  set: EpollSet | undefined;
  mask: number;
  generation: number;
  isListed: boolean;
}

/** An epoll set; `heard` is called when there is something to hear. */
export class EpollSet {
  readonly fd: number;
  heard: () => void = () => {};
  readonly #ready = new Queue<Watched>();

  constructor(fd: number) {
    this.fd = fd;
  }

  get isReady(): boolean {
    return this.#ready.size > 0;
  }

  list(watched: Watched): void {
    if (watched.isListed) return;
    watched.isListed = true;
    this.#ready.add(watched);
    this.heard();
  }

  /** Takes at most `most` events. */
  take(most: number, hear: (fd: number, generation: number, mask: number) => void): number {
    let count = 0;
    while (count < most) {
      const watched = this.#ready.take();
      if (watched === undefined) return count;
      watched.isListed = false;
      const mask = readiness(watched) & watched.mask;
      if (mask === 0) continue;
      hear(watched.client.fd, watched.generation, mask);
      count++;
    }
    return count;
  }

  forget(watched: Watched): void {
    if (watched.isListed) this.#ready.delete(watched);
    watched.isListed = false;
  }
}

function readiness({ client }: Watched): number {
  return client.message === undefined ? EPOLLOUT : EPOLLIN | EPOLLOUT;
}

export class SimKernel {
  /** What the calls since the last `pay` have cost, in ms. */
  bill = 0;
  readonly #timeline: Timeline;
  readonly #cpus: Cpus;
  readonly #tasks: Task[] = [];
  readonly #sets = new Map<number, EpollSet>();
  readonly #watched: (Watched | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(timeline: Timeline, cpus: Cpus) {
    this.#timeline = timeline;
    this.#cpus = cpus;
  }

  /** The calls that the policy makes. */
  get calls(): Sys {
    return this as unknown as Sys;
  }

  /** What the caller sees: the calls that it has made have taken their time. */
  now(): number {
    return this.#timeline.now + this.bill;
  }

  /** Returns the bill, and begins a new one. */
  pay(): number {
    const { bill } = this;
    this.bill = 0;
    return bill;
  }

  /** Knows `task` by the number that it returns. */
  addTask(task: Task): number {
    return this.#tasks.push(task);
  }

  /** Gives `client` an fd. */
  open(client: Client): number {
    const fd = this.#free.pop() ?? this.#watched.length;
    this.#watched[fd] = { client, set: undefined, mask: 0, generation: 0, isListed: false };
    client.fd = fd;
    return fd;
  }

  close(fd: number): number {
    const watched = this.#watched[fd] as Watched;
    watched.set?.forget(watched);
    this.#watched[fd] = undefined;
    this.#free.push(fd);
    return 0;
  }

  client(fd: number): Client {
    return (this.#watched[fd] as Watched).client;
  }

  /** Something has come from the client of `fd`. */
  arrived(fd: number): void {
    const watched = this.#watched[fd] as Watched;
    if (watched.set !== undefined && watched.mask & EPOLLIN) watched.set.list(watched);
  }

  epollCreate(): number {
    const fd = 1_000_000 + this.#sets.size;
    this.#sets.set(fd, new EpollSet(fd));
    return fd;
  }

  set(fd: number): EpollSet {
    return this.#sets.get(fd) as EpollSet;
  }

  epollControl(epollFd: number, operation: number, fd: number, mask: number, _low: number, high: number): number {
    this.bill += CONTROL_MS;
    const watched = this.#watched[fd] as Watched;
    if (operation === EPOLL_CTL_DEL) {
      watched.set?.forget(watched);
      watched.set = undefined;
    } else if (operation === EPOLL_CTL_ADD) {
      watched.set = this.set(epollFd);
      watched.mask = mask;
      watched.generation = high;
      if (readiness(watched) & mask) watched.set.list(watched);
    }
    return 0;
  }

  epollWait(epollFd: number, events: EpollEvents): number {
    this.bill += WAIT_MS;
    let count = 0;
    return this.set(epollFd).take(events.capacity, (fd, generation, mask) => events.set(count++, mask, fd, generation));
  }

  poll(asked: PollSet, count: number): number {
    this.bill += count * POLL_MS;
    let ready = 0;
    for (let index = 0; index < count; index++) {
      const watched = this.#watched[asked.fd(index)];
      const answer = watched === undefined ? 0 : readiness(watched) & asked.events(index);
      asked.answer(index, answer);
      if (answer !== 0) ready++;
    }
    return ready;
  }

  allocate(size: number): NativeBuffer {
    return new NativeBuffer(Buffer.alloc(size), () => 0n);
  }

  allocateEvents(capacity: number): EpollEvents {
    return new EpollEvents(this.allocate(EpollEvents.bytesFor(capacity, false)), false);
  }

  threadCpuTime(tid: number): number {
    this.bill += CLOCK_MS;
    return this.#cpus.used(this.#tasks[tid - 1] as Task);
  }

  isRunnable(tid: number): boolean {
    this.bill += STATE_MS;
    return (this.#tasks[tid - 1] as Task).isRunnable;
  }

  setSlice(tid: number, nanoseconds: number): number {
    this.bill += CLOCK_MS;
    this.#cpus.setSlice(this.#tasks[tid - 1] as Task, nanoseconds / 1e6);
    return 0;
  }

  addNice(tid: number, more: number): number {
    this.bill += CLOCK_MS;
    const task = this.#tasks[tid - 1] as Task;
    this.#cpus.setNice(task, task.nice + more);
    return 0;
  }

  /** For what main is told of blocks; no client is looked up by it. */
  addressText(address: Uint8Array): string {
    return Buffer.from(address).toString('hex');
  }
}
