/** An epoll set in memory: level-triggered or EPOLLET, with data, and EPOLLONESHOT. */
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLLERR, EPOLLET, EPOLLHUP, EPOLLONESHOT } from '../../src/sys/constants.ts';
import type { EpollEvents } from '../../src/sys/sys.ts';

/** Whatever has an fd and can be watched. */
export interface Watchable {
  readonly readiness: number;
  /** How often it has become ready for something, or ready for more. */
  readonly changes: number;
}

interface Entry {
  readonly file: Watchable;
  mask: number;
  low: number;
  high: number;
  /** The `changes` that were reported, or are no news; -1: whatever it is ready for now is news. */
  known: number;
}

const EEXIST = -17;
const ENOENT = -2;

export class FakeEpoll implements Watchable {
  readonly #entries = new Map<number, Entry>();

  control(operation: number, fd: number, file: Watchable, mask: number, low: number, high: number): number {
    const entry = this.#entries.get(fd);
    if (operation === EPOLL_CTL_ADD) {
      if (entry !== undefined) return EEXIST;
      this.#entries.set(fd, { file, mask, low, high, known: -1 });
      return 0;
    }
    if (entry === undefined) return ENOENT;
    if (operation === EPOLL_CTL_DEL) this.#entries.delete(fd);
    else Object.assign(entry, { mask, low, high, known: -1 });
    return 0;
  }

  /** What the kernel does with a closed fd. */
  forget(fd: number): void {
    this.#entries.delete(fd);
  }

  wait(events: EpollEvents): number {
    let count = 0;
    for (const [fd, entry] of Array.from(this.#entries)) {
      const ready = readyOf(entry);
      if (count === events.capacity) continue;
      entry.known = entry.file.changes;
      if (ready === 0) continue;
      events.set(count++, ready, entry.low, entry.high);
      if (entry.mask & EPOLLONESHOT) entry.mask = EPOLLONESHOT;
      // The next call begins with the others.
      this.#entries.delete(fd);
      this.#entries.set(fd, entry);
    }
    return count;
  }

  /** Nobody watches a set for its changes. */
  readonly changes = 0;

  get readiness(): number {
    return [...this.#entries.values()].some((entry) => readyOf(entry) !== 0) ? 1 : 0;
  }
}

function readyOf({ file, known, mask }: Entry): number {
  // A ONESHOT entry that has fired reports nothing, not even an error, until it is armed again.
  if (mask === EPOLLONESHOT || (mask & EPOLLET && known === file.changes)) return 0;
  return file.readiness & (mask | EPOLLERR | EPOLLHUP);
}
