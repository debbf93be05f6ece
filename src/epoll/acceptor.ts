/** Runs the acceptor of the epoll engine: what wakes it, and what it does then. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each client.
import type { Poller } from '../reactor/poller.ts';
import { sharedTenths } from '../sharing/clock.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { EPOLLET, EPOLLIN } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';
import { Acceptor, type AcceptorParts } from '../acceptor/acceptor.ts';
import { EpollListeners } from './listeners.ts';
import type { Watch } from '../handover/channel.ts';
import type { Listener } from '../acceptor/listener.ts';
import type { ToAcceptor } from '../acceptor/messages.ts';
import type { Side, Handover } from '../handover/handover.ts';

/*
 * Six things wake the acceptor: a listener has clients, a client in the waiting room has said something or come back, main has woken the acceptor (a message, or the process ends), a parked thread
 * has work, one that is awake has not take a turn, the process before or after this one says something. Each is an event
 * of the one epoll set. Beyond that it looks around now and then while some thread is awake. The wait is bounded all the
 * same: a thread inside an endless system call cannot be ended by anything but that call's return.
 */

/** What the upper half of an event's data says the lower half is. Parked threads give their epoll fd, above these. */
const LISTENER = 0;
const MAILBOX = 1;
const HANDOVER = 2;
const WATCHDOG = -1;
const WAITING_ROOM = -2;

/** A wait that took longer, in ms, began when there was nothing. */
const WAITED_MS = 0.05;

export interface EpollAcceptorParts extends AcceptorParts {
  readonly sys: Sys;
  readonly poller: Poller;
  readonly listeners: readonly Listener[];
  readonly mailboxFd: number;
  /** Left out where no other process can take this one's place. */
  readonly handover?: Handover | undefined;
}

/** Has the acceptor's epoll set say when `side` of the handover can be read. */
export function watchIn(poller: Poller, side: Side): Watch {
  return {
    add: (fd) => void poller.add(fd, EPOLLIN, side, HANDOVER),
    remove: (fd) => void poller.remove(fd),
  };
}

export class EpollAcceptor extends Acceptor {
  protected readonly listeners: EpollListeners;
  readonly #parts: EpollAcceptorParts;
  /** When a look last found all there was, in `performance.now()` ms. */
  #looked = 0;

  constructor(parts: EpollAcceptorParts) {
    super(parts);
    this.#parts = parts;
    this.listeners = new EpollListeners(parts.sys, parts.poller, LISTENER, parts.listeners);
    parts.poller.add(parts.mailboxFd, EPOLLIN, 0, MAILBOX);
    if (parts.room !== undefined) parts.poller.add(parts.room.row.epollFd, EPOLLIN, 0, WAITING_ROOM);
  }

  /** Waits for something to happen and does what follows from it. True: main has woken the acceptor, its message waits. */
  turn(): boolean {
    const { poller, handover, sys, mailboxFd, board } = this.#parts;
    const timeout = Math.min(this.timeout(), handover?.left ?? Infinity);
    const before = performance.now();
    const count = poller.wait(timeout);
    const now = performance.now();
    this.#noteLook(before, now, count === poller.events.capacity);
    let woken = false;
    for (let index = 0; index < count; index++) {
      const kind = poller.events.high(index);
      if (kind === MAILBOX) woken = sys.eventfdClear(mailboxFd) >= 0;
      else if (kind === WATCHDOG) board.row(poller.events.low(index)).isGuarded = false;
      else if (kind === WAITING_ROOM) this.#parts.room?.takeEvents(now);
      else if (kind === HANDOVER) handover?.event(poller.events.low(index) as Side);
      else if (kind !== LISTENER) this.#wakeRow(board.row(poller.events.low(index)), now);
    }
    // Who has rung may bring a thread: clients that come after it are to find it. The listener stays ready.
    for (let index = 0; index < count; index++) {
      if (poller.events.high(index) === LISTENER && !woken) this.#accept(poller.events.low(index));
    }
    handover?.step(now);
    this.look(now);
    return woken;
  }

  /** A look that has waited found nothing when it began: see `reactor/look-times.ts`. */
  #noteLook(before: number, now: number, isFull: boolean): void {
    const waited = now - before > WAITED_MS;
    this.floor = waited ? now : this.#looked;
    if (waited || !isFull) this.#looked = now;
  }

  #wakeRow(row: ThreadRow, now: number): void {
    row.rungFrom = sharedTenths(this.floor);
    this.wake(row, now);
  }

  override threadReady(thread: number): void {
    super.threadReady(thread);
    const { board, poller, sys } = this.#parts;
    const row = board.row(thread);
    // EPOLLET: each time that it runs out is told once, without reading it.
    if (row.timerFd === 0 || poller.add(row.timerFd, EPOLLIN | EPOLLET, thread, WATCHDOG) >= 0) return;
    // Nobody would hear of it. The thread cannot start it any more, and says so.
    sys.close(row.timerFd);
    row.timerFd = 0;
    row.isGuarded = false;
  }

  override onMessage(message: ToAcceptor): boolean {
    if (message.type === 'succeed') this.#parts.handover?.succeed();
    return super.onMessage(message);
  }

  override drain(): void {
    this.#parts.handover?.leave();
    super.drain();
  }

  /** Leaves other processes: this thread ends. */
  end(): void {
    this.#parts.handover?.close();
  }

  /** It has the place of the process before it, and none has its own. */
  protected override get mayAccept(): boolean {
    return this.#parts.handover?.mayAccept !== false;
  }

  protected closeListeners(hasRoom: () => boolean, closed: () => void): void {
    if (this.#parts.handover?.sharesSockets === true) this.listeners.leaveOpen();
    else this.listeners.close(hasRoom, this.admit);
    closed();
  }

  protected release(row: ThreadRow): void {
    for (const fd of [row.epollFd, row.timerFd, row.sleepTimerFd]) if (fd > 0) this.#parts.sys.close(fd);
    row.epollFd = 0;
    row.timerFd = 0;
    row.sleepTimerFd = 0;
    row.isGuarded = false;
  }

  #accept(index: number): void {
    const shortage = this.listeners.accept(index, this.hasRoom, this.admit);
    if (shortage !== undefined) this.paused(shortage);
  }
}
