/** The acceptor: takes clients, places them on threads, wakes parked threads, and takes over what a dead thread leaves. */
import type { ServerEvent } from '../log/event.ts';
import type { Poller } from '../reactor/poller.ts';
import { type ConnectionTable, NEW } from '../sharing/connection-table.ts';
import { BUSY, CLOSING, HELD, REST, stateOf, withState } from '../sharing/control-word.ts';
import { ABSENT, type ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { EPOLLIN } from '../sys/constants.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';
import type { Listener } from './listener.ts';
import type { Mover } from './mover.ts';
import type { Placement } from './placement.ts';

/*
 * Only three things can happen here: a listener has clients, main has rung (a message, or the process ends), a parked
 * thread has work. Each is an event of the one epoll set. The wait is bounded all the same: a thread inside an endless
 * system call cannot be ended by anything but that call's return.
 */

/** What the upper half of an event's data says the lower half is. Parked threads give their epoll fd, above these. */
const LISTENER = 0;
const MAILBOX = 1;

/** The longest wait, in ms: how late the end of a worker is noticed whose parent ended it without ringing. */
const LONGEST_WAIT = 1000;

/** How long accepting pauses when the system is out of something, in ms; HAProxy's figure. */
const PAUSE = 100;

export interface AcceptorParts {
  readonly sys: Sys;
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly poller: Poller;
  readonly listeners: readonly Listener[];
  readonly mailboxFd: number;
  readonly placement: Placement;
  readonly mover: Mover;
  readonly report?: ((event: ServerEvent) => void) | undefined;
}

export class Acceptor {
  readonly #parts: AcceptorParts;
  #listeners: readonly Listener[];
  /** Threads that take clients. */
  #threads: ThreadRow[] = [];
  #listening = false;
  #pausedUntil = 0;
  #clients = 0;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
    this.#listeners = parts.listeners;
    parts.poller.add(parts.mailboxFd, EPOLLIN, 0, MAILBOX);
  }

  /** Waits for something to happen and does what follows from it. */
  turn(): void {
    const { poller, sys, mailboxFd, board } = this.#parts;
    const count = poller.wait(this.#timeout());
    for (let index = 0; index < count; index++) {
      const kind = poller.events.high(index);
      const low = poller.events.low(index);
      if (kind === LISTENER) this.#accept(low);
      else if (kind === MAILBOX) sys.eventfdClear(mailboxFd);
      else board.row(low).bell.ring();
    }
    if (this.#pausedUntil !== 0 && performance.now() >= this.#pausedUntil) this.#listen();
  }

  /** Takes `thread` into service. */
  threadReady(thread: number): void {
    this.#threads.push(this.#parts.board.row(thread));
    if (!this.#listening && this.#pausedUntil === 0) this.#listen();
  }

  /** Takes over what `thread`, which is gone, has left: clients at rest move, what it was working on is closed. */
  threadGone(thread: number): void {
    const { board, sys, table } = this.#parts;
    const row = board.row(thread);
    row.state = ABSENT;
    this.#threads = this.#threads.filter((other) => other !== row);
    if (this.#threads.length === 0) this.#stopListening();
    table.forEach(thread, (fd, word) => this.#inherit(fd, word, row));
    if (row.epollFd > 0) sys.close(row.epollFd);
    row.epollFd = 0;
  }

  /** Accepts the clients that wait and closes the listeners: closing first would reset them. */
  drain(): void {
    for (const listener of this.#listeners) {
      if (this.#threads.length > 0) listener.accept((fd, peer) => this.#admit(fd, peer), Infinity);
      this.#parts.sys.close(listener.fd);
    }
    this.#listeners = [];
    this.#listening = false;
    this.#pausedUntil = 0;
  }

  #timeout(): number {
    if (this.#pausedUntil === 0) return LONGEST_WAIT;
    return Math.min(LONGEST_WAIT, Math.max(0, Math.ceil(this.#pausedUntil - performance.now())));
  }

  #accept(index: number): void {
    const shortage = this.#listeners[index]?.accept((fd, peer) => this.#admit(fd, peer));
    if (shortage !== undefined) this.#pause(shortage);
  }

  #admit(fd: number, peer: PeerAddress): void {
    const { board, mover, placement, sys, table } = this.#parts;
    if (fd >= table.capacity) {
      sys.close(fd);
      return;
    }
    const row = placement(this.#threads);
    const id = ++this.#clients;
    const ticket = table.admit(fd, row.thread, id, peer.bytes, peer.port, row.greets ? NEW : 0);
    this.#report('open', fd, row.thread);
    if (mover.place(fd, ticket, row) < 0) this.#close(fd, ticket, board.row(row.thread));
  }

  #inherit(fd: number, word: number, row: ThreadRow): void {
    const { mover, placement } = this.#parts;
    const ticket = withState(word, REST);
    const state = stateOf(word);
    if (state === REST && this.#threads.length > 0 && mover.move(fd, ticket, row, placement(this.#threads))) return;
    row.addClients(-1);
    if (state === REST || state === HELD || state === BUSY) this.#close(fd, ticket, row);
    else if (state === CLOSING) this.#finishClosing(fd, ticket);
  }

  /** Closes a connection that nobody can serve. */
  #close(fd: number, ticket: number, row: ThreadRow): void {
    this.#parts.table.closing(fd, ticket);
    this.#report('close', fd, row.thread);
    row.countClose('thread-exit');
    this.#finishClosing(fd, ticket);
  }

  #finishClosing(fd: number, ticket: number): void {
    this.#parts.table.free(fd, ticket);
    this.#parts.sys.close(fd);
  }

  #report(type: 'open' | 'close', fd: number, thread: number): void {
    const { report, sys, table } = this.#parts;
    if (report === undefined) return;
    const address = sys.addressText(table.address(fd));
    const about = { time: Date.now(), client: table.id(fd), address, port: table.port(fd), thread: thread + 1 };
    report(type === 'open' ? { type, ...about } : { type, ...about, reason: 'thread-exit' });
  }

  #pause(cause: string): void {
    this.#stopListening();
    this.#pausedUntil = performance.now() + PAUSE;
    this.#parts.report?.({ type: 'accept-paused', time: Date.now(), cause });
  }

  #listen(): void {
    this.#pausedUntil = 0;
    if (this.#listening || this.#threads.length === 0) return;
    this.#listening = true;
    this.#listeners.forEach((listener, index) => {
      this.#parts.poller.add(listener.fd, EPOLLIN, index, LISTENER);
    });
  }

  #stopListening(): void {
    if (!this.#listening) return;
    this.#listening = false;
    for (const listener of this.#listeners) this.#parts.poller.remove(listener.fd);
  }
}
