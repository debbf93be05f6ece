/** Used to watch the threads: moves clients where that helps them, and takes over what a thread leaves that is gone. */
import type { Closer, Report } from '../connection/closer.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { BUSY, HELD, MOVING, REST, stateOf, threadOf, withState } from '../sharing/control-word.ts';
import { ABSENT, type ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { findShift } from './balance.ts';
import type { Carrier } from './carrier.ts';
import type { FromAcceptor } from './messages.ts';
import type { BusyRatio, Placement } from './placement.ts';
import type { Roster } from './roster.ts';
import type { ThreadWatch } from './thread-watch.ts';

/** How often threads are looked at while one is awake whose timer does not run, in ms; a stall is noticed this much after `moveAfter`. */
const LOOK = 2;
/** For so long after a thread was held for long they are looked at as often: what does that is seldom alone. In ms. */
const UNEASY = 10_000;
/** How often they are looked at while all that are awake are held: to see when that ends. In ms. */
const LOOK_AGAIN = 10;
/** How often clients are evened out, in ms. */
const BALANCE = 100;
/** How long a client that has held its thread is kept apart from the others, in ms. */
const HEAVY = 10_000;

export interface SupervisorParts {
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly counters: AcceptorCounters;
  readonly roster: Roster;
  readonly placement: Placement;
  readonly busy: BusyRatio;
  /** Whether clients are evened out between threads. */
  readonly balances: boolean;
  readonly mover: Carrier;
  readonly closer: Closer;
  /** In ms. */
  readonly handlerTimeout: number;
  readonly say: (message: FromAcceptor) => void;
  readonly report: Report | undefined;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #release: (row: ThreadRow) => void;
  #isDraining = false;
  #balancedAt = 0;
  /** Clients were evened out just now: there may be more to do. */
  #isUneven = false;
  /** Threads that are gone whose clients wait for another thread. */
  #orphans: ThreadRow[] = [];

  /** `release` closes what a thread that is gone had open for itself. */
  constructor(parts: SupervisorParts, release: (row: ThreadRow) => void) {
    this.#parts = parts;
    this.#release = release;
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

  /** The server is to leave: no threads are asked for any more, none ends for want of work, and clients are not evened out. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Wakes the thread of `row`, which is parked and has work. */
  wake(row: ThreadRow, now: number): void {
    const watch = this.#parts.roster.find(row);
    if (watch === undefined) return;
    this.#lookAt(watch, now);
    watch.ring(now);
  }

  /** Does all that is due at `now`: to be called every `timeout` ms. */
  look(now: number): void {
    const { roster, say } = this.#parts;
    for (const watch of roster.watches) this.#lookAt(watch, now);
    if (this.#orphans.length > 0 && (roster.takers.length > 0 || this.#isDeserted)) this.#adopt();
    if (this.#isDraining) return;
    const threads = roster.shortage(now);
    if (threads !== undefined) say({ type: 'want-threads', threads });
    if (now - this.#balancedAt >= BALANCE) this.#balance(now);
  }

  /** How long nothing is due if nothing happens, in ms. */
  timeout(now: number): number {
    const { roster } = this.#parts;
    if (this.#mustLook(now)) return LOOK;
    if (roster.watches.some((watch) => watch.isHeld || watch.retiring)) return LOOK_AGAIN;
    const isAwake = roster.watches.some((watch) => watch.isOwing && !watch.isHeld);
    return isAwake || roster.isSettling(now) || this.#isUneven ? BALANCE : Infinity;
  }

  /** Whether threads have to be looked at, since nothing else would tell that one does not come round. */
  #mustLook(now: number): boolean {
    const { roster } = this.#parts;
    if (roster.settings.moveAfter === Infinity) return false;
    const isUneasy = roster.watches.some((watch) => now - watch.lastHeld < UNEASY);
    return roster.watches.some((watch) => watch.isOwing && !watch.isHeld && (isUneasy || !watch.isGuarded));
  }

  #lookAt(watch: ThreadWatch, now: number): void {
    const change = watch.look(now);
    if (change === 'held' && !watch.isEmptied) this.#parts.counters.countStall();
    if (change === 'released') this.#parts.roster.recheck();
    if (watch.isHeld) this.#relieve(watch, now);
    if (watch.retiring) this.#retireStep(watch, now);
  }

  /** There is no thread, and none will come. */
  get #isDeserted(): boolean {
    return this.#isDraining && this.#parts.roster.any.length === 0;
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
    if (surplus !== undefined && (mover.moves || surplus.row.clients === 0)) surplus.retiring = true;
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
    const { closer, say, table } = this.#parts;
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
    this.#release(row);
    say({ type: 'thread-cleared', thread: row.thread });
  }

  /** False: it is at rest and waits for a thread. */
  #inherit(fd: number, word: number, row: ThreadRow, watch: ThreadWatch | undefined): boolean {
    const { closer, mover, placement, roster, table } = this.#parts;
    const ticket = withState(word, REST);
    const state = stateOf(word);
    const { takers } = roster;
    if (state === REST && !this.#isDeserted) {
      return takers.length > 0 && mover.move(fd, ticket, row, placement(takers, table.address(fd)), 'thread-exit');
    }
    const isCulprit = watch?.isHeld === true && watch.reported && fd === row.currentFd;
    const reason = isCulprit ? 'handler-timeout' : watch?.retiring === true ? 'shutdown' : 'thread-exit';
    const detail = reason === 'shutdown' ? 'its thread was being replaced' : undefined;
    if (state !== MOVING) closer.close(fd, ticket, row, reason, detail);
    return true;
  }
}
