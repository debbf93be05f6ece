/** The acceptor of the epoll engine: what wakes it, and what it does then. */
import type { Poller } from '../reactor/poller.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { EPOLLIN } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';
import { Acceptor, type AcceptorParts } from './acceptor.ts';
import { EpollDoor } from './epoll-door.ts';
import type { Listener } from './listener.ts';

/*
 * Three things wake the acceptor: a listener has clients, main has rung (a message, or the process ends), a parked
 * thread has work. Each is an event of the one epoll set. Beyond that it looks around every few milliseconds while some
 * thread is awake. The wait is bounded all the same: a thread inside an endless system call cannot be ended by anything
 * but that call's return.
 */

/** What the upper half of an event's data says the lower half is. Parked threads give their epoll fd, above these. */
const LISTENER = 0;
const MAILBOX = 1;

export interface EpollAcceptorParts extends AcceptorParts {
  readonly sys: Sys;
  readonly poller: Poller;
  readonly listeners: readonly Listener[];
  readonly mailboxFd: number;
}

export class EpollAcceptor extends Acceptor {
  protected readonly door: EpollDoor;
  readonly #parts: EpollAcceptorParts;

  constructor(parts: EpollAcceptorParts) {
    super(parts);
    this.#parts = parts;
    this.door = new EpollDoor(parts.sys, parts.poller, LISTENER, parts.listeners);
    parts.poller.add(parts.mailboxFd, EPOLLIN, 0, MAILBOX);
  }

  /** Waits for something to happen and does what follows from it. True: main has rung, its message waits. */
  turn(): boolean {
    const { poller, sys, mailboxFd, board } = this.#parts;
    const count = poller.wait(this.timeout());
    const now = performance.now();
    let rung = false;
    for (let index = 0; index < count; index++) {
      const kind = poller.events.high(index);
      if (kind === MAILBOX) rung = sys.eventfdClear(mailboxFd) >= 0;
      else if (kind !== LISTENER) this.wake(board.row(poller.events.low(index)), now);
    }
    // Who has rung may bring a thread: clients that come after it are to find it. The listener stays ready.
    for (let index = 0; index < count; index++) {
      if (poller.events.high(index) === LISTENER && !rung) this.#accept(poller.events.low(index));
    }
    this.look(now);
    return rung;
  }

  protected closeDoor(hasRoom: () => boolean, closed: () => void): void {
    this.door.close(hasRoom, this.admit);
    closed();
  }

  protected release(row: ThreadRow): void {
    if (row.epollFd > 0) this.#parts.sys.close(row.epollFd);
    row.epollFd = 0;
  }

  #accept(index: number): void {
    const shortage = this.door.accept(index, this.hasRoom, this.admit);
    if (shortage !== undefined) this.paused(shortage);
  }
}
