/** The acceptor: takes clients, places them on threads, wakes parked threads, and moves clients where that helps them. */
import type { Closer, Report } from '../connection/closer.ts';
import { includesPeer, type Peers } from '../options/cidr.ts';
import type { Poller } from '../reactor/poller.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { sharedTime } from '../sharing/clock.ts';
import { type ConnectionTable, NEW, PROXIED } from '../sharing/connection-table.ts';
import { BUSY, CLOSING, HELD, REST, stateOf, threadOf, withState } from '../sharing/control-word.ts';
import { ABSENT, type ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { EPOLLIN } from '../sys/constants.ts';
import type { PeerAddress, Sys } from '../sys/sys.ts';
import type { Admission } from './admission.ts';
import { findShift } from './balance.ts';
import { Door } from './door.ts';
import type { Watch } from './link.ts';
import type { Listener } from './listener.ts';
import type { FromAcceptor } from './messages.ts';
import type { Mover } from './mover.ts';
import type { BusyRatio, Placement } from './placement.ts';
import type { Roster } from './roster.ts';
import type { Side, Succession } from './succession.ts';
import type { Sweeper } from './sweeper.ts';
import type { ThreadWatch } from './thread-watch.ts';

/*
 * Three things wake the acceptor: a listener has clients, main has rung (a message, or the process ends), a parked
 * thread has work. Each is an event of the one epoll set. Beyond that it looks around every few milliseconds while some
 * thread is awake. The wait is bounded all the same: a thread inside an endless system call cannot be ended by anything
 * but that call's return.
 */

/** What the upper half of an event's data says the lower half is. Parked threads give their epoll fd, above these. */
const LISTENER = 0;
const MAILBOX = 1;
const SUCCESSION = 2;

/** The longest wait, in ms: how late the end of a worker is noticed whose parent ended it without ringing. */
const LONGEST_WAIT = 1000;
/** How often threads are looked at while one is awake, in ms; a stall is noticed this much after `moveAfter`. */
const LOOK = 2;
/** The same while all that are awake are held: to see when that ends. */
const LOOK_AGAIN = 10;
/** The same while the server is full: a thread that closes a client is awake, so its place is seldom noticed only now. */
const LOOK_FULL = 50;
/** How often clients are evened out, in ms. */
const BALANCE = 100;
/**
 * How long clients are still accepted when the server is to leave, in ms. A client that has connected may not be in the
 * kernel's queue yet: its last packet is taken note of a moment later, and would then be answered with a reset.
 */
const LAST_CALL = 20;
/** How long a client that has held its thread is kept apart from the others, in ms. */
const HEAVY = 10_000;

export interface AcceptorParts {
  readonly sys: Sys;
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly counters: AcceptorCounters;
  readonly poller: Poller;
  readonly listeners: readonly Listener[];
  readonly mailboxFd: number;
  readonly admission: Admission;
  readonly roster: Roster;
  readonly placement: Placement;
  readonly busy: BusyRatio;
  /** Whether clients are evened out between threads. */
  readonly balances: boolean;
  readonly mover: Mover;
  readonly closer: Closer;
  readonly sweeper: Sweeper;
  /** Whose connections begin with a PROXY header. */
  readonly proxies: Peers;
  /** In ms. */
  readonly handlerTimeout: number;
  readonly say: (message: FromAcceptor) => void;
  readonly report: Report | undefined;
  /** Left out where no other process can take this one's place. */
  readonly succession?: Succession | undefined;
}

/** Has the acceptor's epoll set say when `side` of the succession can be read. */
export function watchIn(poller: Poller, side: Side): Watch {
  return {
    add: (fd) => void poller.add(fd, EPOLLIN, side, SUCCESSION),
    remove: (fd) => void poller.remove(fd),
  };
}

export class Acceptor {
  readonly #parts: AcceptorParts;
  readonly #door: Door;
  #isDraining = false;
  /** When the listeners are closed; Infinity: they are not to be, or are. */
  #closesAt = Infinity;
  #balancedAt = 0;
  /** Clients were evened out just now: there may be more to do. */
  #isUneven = false;
  /** Threads that are gone whose clients wait for another thread. */
  #orphans: ThreadRow[] = [];

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
    this.#door = new Door(parts.sys, parts.poller, LISTENER, parts.listeners);
    parts.poller.add(parts.mailboxFd, EPOLLIN, 0, MAILBOX);
  }

  /** Waits for something to happen and does what follows from it. True: main has rung, its message waits. */
  turn(): boolean {
    const { admission, poller, succession, sys, mailboxFd, board } = this.#parts;
    const count = poller.wait(this.#timeout());
    const now = performance.now();
    let rung = false;
    for (let index = 0; index < count; index++) {
      const kind = poller.events.high(index);
      if (kind === MAILBOX) rung = sys.eventfdClear(mailboxFd) >= 0;
      else if (kind === SUCCESSION) succession?.event(poller.events.low(index) as Side);
      else if (kind !== LISTENER) this.#wake(board.row(poller.events.low(index)), now);
    }
    // Who has rung may bring a thread: clients that come after it are to find it. The listener stays ready.
    for (let index = 0; index < count; index++) {
      if (poller.events.high(index) === LISTENER && !rung) this.#accept(poller.events.low(index));
    }
    this.#look(now);
    this.#parts.sweeper.sweep(now);
    succession?.step(now);
    admission.look(now);
    this.#door.set(this.#hasRoom(), now);
    if (now >= this.#closesAt) this.#closeDoor();
    return rung;
  }

  /** Takes `thread` into service. */
  threadReady(thread: number): void {
    this.#parts.roster.add(this.#parts.board.row(thread));
  }

  /** Gives `thread` no more clients and moves those that it has; main hears when it has none. */
  retire(thread: number): void {
    const watch = this.#parts.roster.find(this.#parts.board.row(thread));
    if (watch !== undefined) watch.retiring = true;
  }

  /** Takes over what `thread`, which is gone, has left: clients at rest move, what it was working on is closed. */
  threadGone(thread: number): void {
    const { board, roster } = this.#parts;
    const row = board.row(thread);
    const watch = roster.remove(row);
    row.state = ABSENT;
    this.#takeOver(row, watch);
  }

  /** Takes the place of the process before this one; main hears when clients are accepted. */
  succeed(): void {
    this.#parts.succession?.succeed();
  }

  /** Accepts the clients that wait and, a moment later, closes the listeners; then main hears of it. */
  drain(): void {
    this.#isDraining = true;
    this.#parts.succession?.leave();
    this.#parts.mover.announces = true;
    this.#closesAt = performance.now() + LAST_CALL;
  }

  /** Leaves other processes: this thread ends. */
  end(): void {
    this.#parts.succession?.close();
  }

  #closeDoor(): void {
    this.#closesAt = Infinity;
    const { succession } = this.#parts;
    // Who is not accepted now is refused: better to wait for a thread that is held.
    if (succession?.sharesSockets === true) this.#door.leaveOpen();
    else this.#door.close(() => this.#parts.roster.any.length > 0 && this.#parts.admission.isOpen, this.#admit);
    this.#parts.say({ type: 'drained' });
  }

  #timeout(): number {
    const now = performance.now();
    const { roster, sweeper } = this.#parts;
    const closing = Math.max(0, this.#closesAt - now);
    const pause = Math.min(this.#door.pauseLeft(now) ?? LONGEST_WAIT, sweeper.left(now), closing);
    const owing = roster.watches.some((watch) => watch.isOwing && !watch.isHeld);
    const waiting = roster.watches.some((watch) => watch.isHeld || watch.retiring);
    const passing = this.#parts.succession?.left ?? Infinity;
    const settling = roster.isSettling(now) || this.#isUneven ? BALANCE : LONGEST_WAIT;
    const rest = this.#hasRoom() ? settling : LOOK_FULL;
    return Math.ceil(Math.min(pause, passing, owing ? LOOK : waiting ? LOOK_AGAIN : rest));
  }

  #accept(index: number): void {
    const shortage = this.#door.accept(index, this.#hasRoom, this.#admit);
    if (shortage === undefined) return;
    this.#parts.counters.countPause(shortage.cause);
    this.#parts.report?.({ type: 'accept-paused', time: Date.now(), cause: shortage.errno });
  }

  readonly #hasRoom = (): boolean => {
    const { admission, roster, succession } = this.#parts;
    return roster.hasRoom && admission.isOpen && succession?.mayAccept !== false;
  };

  readonly #admit = (fd: number, peer: PeerAddress): void => {
    const { admission, closer, counters, mover, placement, proxies, report, roster, table } = this.#parts;
    if (!admission.admits(fd, peer)) return;
    const row = placement(roster.any, peer.bytes);
    const id = counters.countAccepted();
    const isProxied = includesPeer(proxies, peer.bytes);
    const flags = (row.greets ? NEW : 0) | (isProxied ? PROXIED : 0);
    const ticket = table.admit(fd, row.thread, id, peer.bytes, peer.port, flags);
    const time = sharedTime(performance.now());
    table.setSeen(fd, time);
    if (isProxied) table.setBegun(fd, time || 1);
    // Who a proxy speaks for is not known yet: the thread that reads the header reports it.
    if (!isProxied) report?.({ type: 'open', ...closer.describe(fd, row) });
    mover.place(fd, ticket, row);
  };

  #wake(row: ThreadRow, now: number): void {
    const watch = this.#parts.roster.find(row);
    if (watch === undefined) return;
    this.#lookAt(watch, now);
    watch.ring(now);
  }

  #lookAt(watch: ThreadWatch, now: number): void {
    const change = watch.look(now);
    if (change === 'held') this.#parts.counters.countStall();
    if (change === 'released') this.#parts.roster.recheck();
    if (watch.isHeld) this.#relieve(watch, now);
    if (watch.retiring) this.#retireStep(watch, now);
  }

  #look(now: number): void {
    const { roster, say } = this.#parts;
    for (const watch of roster.watches) this.#lookAt(watch, now);
    if (this.#isDraining) return;
    if (this.#orphans.length > 0 && roster.takers.length > 0) this.#adopt();
    const threads = roster.shortage(now);
    if (threads !== undefined) say({ type: 'want-threads', threads });
    if (now - this.#balancedAt >= BALANCE) this.#balance(now);
  }

  /** Does what is to be done for the clients of a thread that is held. */
  #relieve(watch: ThreadWatch, now: number): void {
    const { row } = watch;
    const culprit = this.#culprit(row);
    if (culprit !== undefined && watch.isHeldLong(now)) this.#parts.table.setHeavy(culprit, Math.ceil(now));
    this.#checkTimeout(watch, now);
    const others = culprit === undefined ? row.clients : row.clients - 1;
    if (others === 0 || now - watch.clearedAt < LOOK_AGAIN) return;
    watch.clearedAt = now;
    watch.stranded = this.#moveAway(row, 'held', now);
  }

  /** The client that the thread of `row` is serving. */
  #culprit(row: ThreadRow): number | undefined {
    const { table } = this.#parts;
    const fd = row.currentFd;
    if (fd < 0) return undefined;
    const word = table.word(fd);
    const isBusy = stateOf(word) === BUSY || stateOf(word) === HELD;
    return isBusy && threadOf(word) === row.thread ? fd : undefined;
  }

  /**
   * Moves what rests on `row` to threads where it is served; who is known to hold threads goes where nobody else waits
   * for it. Returns how many of those found no such thread.
   */
  #moveAway(row: ThreadRow, cause: 'held' | 'reload', now: number): number {
    const { mover, placement, roster, table } = this.#parts;
    const { burdened, takers } = roster;
    let stranded = 0;
    mover.moveAll(row, cause, (fd) => {
      const rows = this.#isHeavy(fd, now) && cause === 'held' ? burdened : takers;
      if (rows.length > 0) return placement(rows, table.address(fd));
      if (rows === burdened) stranded++;
      return undefined;
    });
    return stranded;
  }

  #isHeavy(fd: number, now: number): boolean {
    const heavy = this.#parts.table.heavy(fd);
    return heavy !== 0 && now - heavy < HEAVY;
  }

  #checkTimeout(watch: ThreadWatch, now: number): void {
    const { closer, handlerTimeout, report, say } = this.#parts;
    if (watch.reported || now - watch.heldSince < handlerTimeout) return;
    watch.reported = true;
    const { row } = watch;
    const fd = this.#culprit(row);
    const about = fd === undefined ? { time: Date.now(), thread: row.thread + 1 } : closer.describe(fd, row);
    report?.({ type: 'thread-held', ...about, heldMs: Math.round(now - watch.heldSince) });
    say({ type: 'thread-stuck', thread: row.thread });
  }

  #retireStep(watch: ThreadWatch, now: number): void {
    const { row } = watch;
    if (row.clients > 0) this.#moveAway(row, 'reload', now);
    if (row.clients > 0 || watch.isEmptied) return;
    watch.isEmptied = true;
    this.#parts.say({ type: 'thread-empty', thread: row.thread });
  }

  #balance(now: number): void {
    this.#balancedAt = now;
    const { balances, busy, mover, placement, roster, say, table } = this.#parts;
    const surplus = roster.surplus(now);
    if (surplus !== undefined) surplus.retiring = true;
    for (const { row } of roster.raise(now)) say({ type: 'thread-worn', thread: row.thread });
    if (!balances) return;
    this.#isUneven = false;
    for (const row of roster.uneasy) {
      const { takers } = roster;
      mover.moveAll(row, 'balance', (fd) =>
        this.#isHeavy(fd, now) ? undefined : placement(takers, table.address(fd)),
      );
    }
    const shift = findShift(roster.even, busy);
    if (shift === undefined) return;
    const { from, to, count } = shift;
    this.#isUneven = mover.moveAll(from, 'balance', (fd) => (this.#isHeavy(fd, now) ? undefined : to), count) > 0;
  }

  #adopt(): void {
    const orphans = this.#orphans;
    this.#orphans = [];
    for (const row of orphans) this.#takeOver(row, undefined);
  }

  /** Deals with the connections of a thread that is gone. Without another thread those at rest wait for one. */
  #takeOver(row: ThreadRow, watch: ThreadWatch | undefined): void {
    const { closer, say, sys, table } = this.#parts;
    let waiting = 0;
    table.forEach(row.thread, (fd, word) => {
      if (!this.#inherit(fd, word, row, watch)) waiting++;
    });
    if (waiting > 0) {
      this.#orphans.push(row);
      return;
    }
    row.clearClients();
    closer.reclaim(row);
    if (row.epollFd > 0) sys.close(row.epollFd);
    row.epollFd = 0;
    say({ type: 'thread-cleared', thread: row.thread });
  }

  /** False: it is at rest and there is no thread for it. */
  #inherit(fd: number, word: number, row: ThreadRow, watch: ThreadWatch | undefined): boolean {
    const { closer, mover, placement, roster, table } = this.#parts;
    const ticket = withState(word, REST);
    const state = stateOf(word);
    const { takers } = roster;
    if (state === REST) {
      return takers.length > 0 && mover.move(fd, ticket, row, placement(takers, table.address(fd)), 'thread-exit');
    }
    const isCulprit = watch?.isHeld === true && watch.reported && fd === row.currentFd;
    const reason = isCulprit ? 'handler-timeout' : watch?.retiring === true ? 'shutdown' : 'thread-exit';
    if (state === HELD || state === BUSY || state === CLOSING) closer.close(fd, ticket, row, reason);
    return true;
  }
}
