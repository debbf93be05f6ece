/** Watches fds through one epoll set: a thread its clients, the acceptor its listeners and threads. */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from '../sys/constants.ts';
import { EINTR, syscallError } from '../sys/errno.ts';
import type { EpollEvents, Sys } from '../sys/sys.ts';

/**
 * An epoll set. `low` and `high` come back with the event of an fd.
 */
export class Poller {
  readonly fd: number;
  readonly events: EpollEvents;
  readonly #sys: Sys;

  /** Uses the epoll set `fd`, taking at most `capacity` events at once. */
  constructor(sys: Sys, fd: number, capacity: number) {
    this.#sys = sys;
    this.fd = fd;
    this.events = sys.allocateEvents(capacity);
  }

  /** Makes an epoll set. Throws `HEDDLE_LISTEN` if the system gives none. */
  static create(sys: Sys, capacity: number): Poller {
    const fd = sys.epollCreate();
    if (fd < 0) throw syscallError('HEDDLE_LISTEN', 'epoll_create1', fd, 'cannot watch sockets');
    return new Poller(sys, fd, capacity);
  }

  add(fd: number, mask: number, low: number, high: number): number {
    return this.#sys.epollControl(this.fd, EPOLL_CTL_ADD, fd, mask, low, high);
  }

  modify(fd: number, mask: number, low: number, high: number): number {
    return this.#sys.epollControl(this.fd, EPOLL_CTL_MOD, fd, mask, low, high);
  }

  remove(fd: number): number {
    return this.#sys.epollControl(this.fd, EPOLL_CTL_DEL, fd, 0, 0, 0);
  }

  /** Waits at most `timeout` ms and returns how many of `events` are filled. */
  wait(timeout: number): number {
    const count = this.#sys.epollWait(this.fd, this.events, timeout);
    if (count >= 0) return count;
    if (count === EINTR) return 0;
    throw syscallError('HEDDLE_THREAD_EXIT', 'epoll_wait', count, 'cannot wait for sockets');
  }

  close(): void {
    this.#sys.close(this.fd);
  }
}
