/** Watches the threads: moves clients where that helps them, and takes over what a dead thread leaves. */
import type { Closer, Report } from '../connection/end/close.ts';
import type { AcceptorCounters, MoveCause } from '../sharing/acceptor-counters.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { BUSY, FREE, PINNED, MOVING, IDLE, stateOf, threadOf, withState } from '../sharing/control-word.ts';
import { type ClientFlow, ABSENT, PARKED, type ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import { findShift } from './balance.ts';
import { BlockLog, type BlockNotice } from './block-log.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { Choose, Dispatcher } from './dispatcher.ts';
import { LostThreads } from './lost-threads.ts';
import type { BusyRatio, Placement } from './placement.ts';
import type { ThreadRegistry } from './thread-registry.ts';
import { Standstill } from './standstill.ts';
import type { Change, ThreadWatch } from './thread-watch.ts';
import type { WaitingRoom } from './waiting-room/waiting-room.ts';

/** How often threads are looked at while one is awake whose timer does not run, in ms; a stall is noticed this much after `moveAfter`. */
const SCAN_INTERVAL_MS = 2;
/** For so long after a thread was blocked for long they are looked at as often: what does that is seldom alone. In ms. */
const RECENTLY_BLOCKED_MS = 10_000;
/** How often they are looked at while all that are awake are blocked: to see when that ends. In ms. */
const BLOCKED_SCAN_INTERVAL_MS = 10;
/** How often clients are evened out, in ms. */
const BALANCE_INTERVAL_MS = 100;
/** How often clients are moved off threads for which there are better ones, in ms: a client there may wait for as long. */
const EMPTYING_INTERVAL_MS = 10;
/** How often a parked thread that has pinned clients is asked for a sign of life, in ms: a socket or a timer of Node's may block it. */
const PING_INTERVAL_MS = 500;
/** How long clients are moved in one turn of the acceptor, in ms, before it accepts clients and wakes threads again. */
const SLICE_MS = 2;

/** What main is told of the threads: see `FromAcceptor`. */
export type SupervisorNotice =
  | BlockNotice
  | { readonly type: 'want-threads'; readonly threads: number }
  | { readonly type: 'thread-retires'; readonly thread: number; readonly flow: ClientFlow }
  | { readonly type: 'thread-empty' | 'thread-demoted' | 'thread-cleared'; readonly thread: number }
  | { readonly type: 'thread-overdue'; readonly thread: number; readonly detail: string };

export interface SupervisorParts {
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly counters: AcceptorCounters;
  readonly registry: ThreadRegistry;
  readonly placement: Placement;
  readonly busy: BusyRatio;
  /** Whether clients are evened out between threads. */
  readonly balances: boolean;
  readonly migrator: Dispatcher;
  /** Left out where clients cannot move, or each has a thread of its own. */
  readonly room?: WaitingRoom | undefined;
  readonly closer: Closer;
  /** In ms. */
  readonly handlerTimeout: number;
  /** Says whether a client waits for a thread that is not known to be expensive; left out where that cannot be told. */
  readonly waits?: (() => boolean) | undefined;
  readonly post: (message: SupervisorNotice) => void;
  readonly report: Report | undefined;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #release: (row: ThreadRow) => void;
  #isDraining = false;
  #hasSaidAlone = false;
  #balancedAt = 0;
  #emptiedAt = 0;
  #pingedAt = 0;
  /** Clients were evened out just now: there may be more to do. */
  #isUneven = false;
  /** Numbers of clients can be seen at once, how busy threads are only after a while. In ms. */
  #balanceInterval = BALANCE_INTERVAL_MS;
  /** Not all clients could be moved that have to be, since that would have taken too long. */
  #isMoving = false;
  readonly #blocks: BlockLog;
  readonly #lost: LostThreads;
  readonly #standstill: Standstill;
  /** Threads that are gone whose clients wait for another thread. */
  #orphans: ThreadRow[] = [];

  /** `release` closes what a thread that is gone had open for itself. */
  constructor(parts: SupervisorParts, release: (row: ThreadRow) => void) {
    this.#parts = parts;
    this.#lost = new LostThreads(parts.table, parts.closer);
    this.#standstill = new Standstill(
      parts.registry,
      parts.waits ?? (() => true),
      () => parts.room?.hasNewcomers === true,
    );
    this.#release = release;
    this.#blocks = new BlockLog(parts);
  }

  /** Gives `thread` no more clients and moves those that it has; main hears when it has none. */
  retire(thread: number): void {
    const watch = this.#parts.registry.find(this.#parts.board.row(thread));
    if (watch !== undefined) this.#retire(watch);
  }

  /** `thread` was told to end and does not: it is no thread any more for anybody but the clients that it has. */
  threadLost(thread: number): void {
    const { board, registry } = this.#parts;
    const row = board.row(thread);
    const watch = registry.remove(row);
    if (watch === undefined) return;
    const now = performance.now();
    this.#blocks.end(watch, watch.blockedFor(now), now);
    this.#parts.room?.collect(row, now);
    this.#lost.add(row, (fd) => this.#reasonOf(fd, row, watch));
    this.look(now);
  }

  /** Takes over what `thread`, which is gone, has left: idle clients move, what it was working on is closed. `hasDied`: nobody had told it to end. */
  threadGone(thread: number, hasDied = false): void {
    const { board, registry } = this.#parts;
    const row = board.row(thread);
    const watch = registry.remove(row);
    if (watch !== undefined) watch.hasDied = hasDied;
    this.#lost.delete(row);
    row.state = ABSENT;
    const now = performance.now();
    if (watch !== undefined) this.#blocks.end(watch, watch.blockedFor(now), now);
    this.#parts.room?.collect(row, now);
    this.#takeOver(row, watch, now);
  }

  /** The server is to leave: no threads are asked for any more, none ends for want of work, and clients are not evened out. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Wakes the thread of `row`, which is parked and has work. */
  wake(row: ThreadRow, now: number): void {
    const watch = this.#parts.registry.find(row);
    if (watch === undefined) return;
    this.#lookAt(watch, now);
    watch.wake(now);
  }

  /** Does all that is due at `now`: to be called every `timeout` ms. */
  look(now: number): void {
    const { room, registry, post } = this.#parts;
    this.#isMoving = false;
    registry.changed();
    for (const watch of registry.watches) this.#lookAt(watch, now);
    registry.noteBlocks(now);
    if (now - this.#pingedAt >= PING_INTERVAL_MS) this.#ping(now);
    if (this.#isDraining) room?.empty();
    else room?.look(now);
    this.#lost.empty((row) => this.#empty(row, 'blocked', now));
    if (this.#orphans.length > 0 && (registry.accepting.length > 0 || this.#isDeserted)) this.#adopt(now);
    if (this.#isDraining) return;
    const endless = this.#standstill.find(now);
    if (endless !== undefined) this.#giveUp(endless, this.#standstill.reason, now);
    const threads = registry.shortage(now);
    if (threads !== undefined) post({ type: 'want-threads', threads });
    const demoted = registry.raiseLight();
    if (demoted !== undefined) post({ type: 'thread-demoted', thread: demoted.row.thread });
    if (now - this.#emptiedAt >= EMPTYING_INTERVAL_MS) this.#emptyWorse(now);
    if (now - this.#balancedAt >= this.#balanceInterval) this.#balance(now);
  }

  /** Whether newcomers come through the waiting room, and need no thread to be accepted. */
  isCareful(): boolean {
    return !this.#isDraining && this.#parts.registry.isCareful(performance.now());
  }

  /** The waiting room's row, if a newcomer from `address` is to come through it, or there is no thread. */
  roomFor(address: Uint8Array): ThreadRow | undefined {
    const { room, registry } = this.#parts;
    if (room === undefined || this.#isDraining || !registry.hasWaitingRoom) return undefined;
    // It may have been careful a moment ago, when the client was accepted.
    const isForIt = registry.any.length === 0 || room.isForNewcomer(address, performance.now());
    return isForIt ? room.row : undefined;
  }

  /** How long nothing is due if nothing happens, in ms. */
  timeout(now: number): number {
    const { room, registry } = this.#parts;
    if (this.#isMoving) return 0;
    if (room?.isTrying === true || this.#mustLook(now)) return SCAN_INTERVAL_MS;
    if (registry.watches.some((watch) => watch.isBlocked || watch.servesExpensive || watch.retiring))
      return BLOCKED_SCAN_INTERVAL_MS;
    const isAwake = registry.watches.some((watch) => watch.isAwake && !watch.isBlocked);
    if (isAwake || registry.isSettling(now) || this.#isUneven) return this.#balanceInterval;
    return registry.watches.some(isSilent) ? Math.max(0, this.#pingedAt + PING_INTERVAL_MS - now) : Infinity;
  }

  #ping(now: number): void {
    this.#pingedAt = now;
    for (const watch of this.#parts.registry.watches) if (isSilent(watch)) watch.wake(now);
  }

  /** Whether threads have to be looked at, since nothing else would tell that one is blocked. */
  #mustLook(now: number): boolean {
    const { registry } = this.#parts;
    if (registry.settings.moveAfter === Infinity) return false;
    const wasBlockedLately = registry.watches.some((watch) => now - watch.lastBlocked < RECENTLY_BLOCKED_MS);
    return registry.watches.some(
      (watch) => watch.isAwake && !watch.isBlocked && (wasBlockedLately || !watch.isGuarded),
    );
  }

  #lookAt(watch: ThreadWatch, now: number): void {
    const change = watch.look(now);
    if (change !== undefined) this.#record(change, watch, now);
    if (change === 'released') this.#released(watch, now);
    if (watch.isBlocked) this.#relieve(watch, now);
    else if (watch.isEnding) this.#desert(watch, now);
    if (watch.retiring) this.#retireStep(watch, now);
  }

  /** Writes down where main reads it that the thread is blocked, is free again, or has no CPU. */
  #record(change: NonNullable<Change>, watch: ThreadWatch, now: number): void {
    const { counters } = this.#parts;
    if (change === 'starved') counters.countStarved();
    if (change === 'blocked') this.#blocks.begin(watch, this.#currentClient(watch.row));
    if (change === 'released') this.#blocks.end(watch, watch.lastBlock.wall, now);
  }

  /** There is no thread, and none will come. */
  get #isDeserted(): boolean {
    return this.#isDraining && this.#parts.registry.any.length === 0;
  }

  /** The waiting room, where expensive clients get their turns from it. */
  get #turnsRoom(): WaitingRoom | undefined {
    const { room, registry } = this.#parts;
    return registry.hasTurns ? room : undefined;
  }

  /** Does what is to be done for the clients of a thread that is blocked. */
  #relieve(watch: ThreadWatch, now: number): void {
    const { row } = watch;
    const currentClient = this.#currentClient(row);
    if (currentClient !== undefined && !watch.servesExpensive && !watch.isEnding)
      this.#blame(currentClient, watch, now);
    this.#blocks.goesOn(watch, now);
    this.#checkTimeout(watch, now);
    this.#checkAlone(watch, currentClient, now);
    const others = currentClient === undefined ? row.clients : row.clients - 1;
    if (watch.isComputingLong(now) && (others === 0 || this.#hasRelief)) watch.lower();
    if (others === 0 || now - watch.clearedAt < BLOCKED_SCAN_INTERVAL_MS) return;
    const isDone = this.#moveAway(row, 'blocked', now);
    watch.clearedAt = isDone ? now : 0;
    if (isDone) this.#blocks.cleared(watch, this.#parts.registry.accepting.length > 0, now);
  }

  /**
   * Moves the clients of a thread that is ending: the sooner, the less they wait. If threads end sooner than others start, newcomers
   * wait for a spare one from now on: the last thread is for those that have ended none.
   */
  #desert(watch: ThreadWatch, now: number): void {
    if (this.#parts.registry.spare.length === 0) this.#parts.registry.surprise(now);
    if (watch.row.clients === 0 || now - watch.clearedAt < BLOCKED_SCAN_INTERVAL_MS) return;
    watch.clearedAt = this.#moveAway(watch.row, 'thread-exit', now) ? now : 0;
  }

  /** Takes note of the client that blocks a thread which is not for that. */
  #blame(fd: number, watch: ThreadWatch, now: number): void {
    const { registry, table } = this.#parts;
    watch.blockedBy = { fd, id: table.id(fd) };
    registry.surprise(now);
    this.#turnsRoom?.foresee(fd, watch, now);
  }

  /** Charges the client that has blocked a thread, now that it is known for how long. */
  #released(watch: ThreadWatch, now: number): void {
    const { migrator, registry, table } = this.#parts;
    const room = this.#turnsRoom;
    const { blockedBy, row } = watch;
    watch.blockedBy = undefined;
    registry.recheck();
    if (blockedBy === undefined || watch.servesExpensive || room === undefined) return;
    const { fd, id } = blockedBy;
    if (stateOf(table.word(fd)) === FREE || !table.hasId(fd, id)) return;
    room.charge(fd, watch, now);
    const word = table.word(fd);
    const isIdleHere = stateOf(word) === IDLE && threadOf(word) === row.thread;
    if (isIdleHere && room.isFor(fd, now)) migrator.move(fd, word, row, room.row, 'blocked');
  }

  /** The client that the thread of `row` is serving. */
  #currentClient(row: ThreadRow): number | undefined {
    const { table } = this.#parts;
    const fd = row.currentFd;
    if (fd < 0) return undefined;
    const word = table.word(fd);
    const isBusy = stateOf(word) === BUSY || stateOf(word) === PINNED;
    return isBusy && threadOf(word) === row.thread ? fd : undefined;
  }

  /**
   * Moves what is idle on `row` to threads where it is served, or to where it waits for one that others do not need. False:
   * there are more, to be moved in the next turn.
   */
  #moveAway(row: ThreadRow, cause: MoveCause, now: number): boolean {
    const isDone = this.#parts.migrator.evacuate(row, cause, this.#elsewhere(now), now + SLICE_MS);
    if (!isDone) this.#isMoving = true;
    return isDone;
  }

  /**
   * The same for a thread that will not come back; true: nobody is left there. When it was still blocked, a part of its clients may
   * have been looked at while there was no thread for them.
   */
  #empty(row: ThreadRow, cause: MoveCause, now: number): boolean {
    const { registry, table } = this.#parts;
    if (registry.accepting.length === 0 || !this.#moveAway(row, cause, now)) return false;
    let left = 0;
    table.forEach(row.thread, (_fd, word) => void (stateOf(word) === IDLE && left++));
    if (left > 0) this.#isMoving = true;
    return left === 0;
  }

  /** Where the clients of a thread go that cannot stay there. */
  #elsewhere(now: number): Choose {
    const { accepting } = this.#parts.registry;
    return (fd) => this.#roomFor(fd, now) ?? this.#place(fd, accepting);
  }

  /** The waiting room's row, if the client of `fd` is for it. */
  #roomFor(fd: number, now: number): ThreadRow | undefined {
    const room = this.#turnsRoom;
    return !this.#isDraining && room?.isFor(fd, now) === true ? room.row : undefined;
  }

  #place(fd: number, rows: readonly ThreadRow[]): ThreadRow | undefined {
    const { placement, table } = this.#parts;
    return rows.length > 0 ? placement(rows, table.address(fd)) : undefined;
  }

  #checkTimeout(watch: ThreadWatch, now: number): void {
    if (watch.reported || now - watch.blockedSince < this.#parts.handlerTimeout) return;
    this.#giveUp(watch, 'its handler did not return', now);
  }

  /** Has main end a thread that is blocked; `detail` says why. */
  #giveUp(watch: ThreadWatch, detail: string, now: number): void {
    const { closer, report, post } = this.#parts;
    watch.reported = true;
    const { row } = watch;
    const fd = this.#currentClient(row);
    const about = fd === undefined ? { time: Date.now(), thread: row.thread + 1 } : closer.describe(fd, row);
    report?.({ type: 'thread-overdue', ...about, blockedMs: Math.round(now - watch.blockedSince) });
    post({ type: 'thread-overdue', thread: row.thread, detail });
  }

  /**
   * Whether there is a thread for the clients of blocked ones, or one starts, which takes CPU. Without, clients are served the sooner the
   * more of the CPU their thread gets.
   */
  get #hasRelief(): boolean {
    const { registry } = this.#parts;
    return registry.accepting.length > 0 || registry.mayGrow;
  }

  /** Says once that nobody else can serve the clients of the only thread. */
  #checkAlone(watch: ThreadWatch, currentClient: number | undefined, now: number): void {
    const { board, closer, report, registry } = this.#parts;
    const waiting = board.clients - (currentClient === undefined ? 0 : 1);
    if (registry.settings.max > 1 || this.#hasSaidAlone || waiting === 0 || !watch.isBlockedLong(now)) return;
    this.#hasSaidAlone = true;
    const about = currentClient === undefined ? { time: Date.now() } : closer.describe(currentClient, watch.row);
    report?.({ type: 'only-thread-blocked', ...about, waiting });
  }

  #retire(watch: ThreadWatch): void {
    watch.retiring = true;
    this.#parts.post({ type: 'thread-retires', thread: watch.row.thread, flow: watch.row.flow });
  }

  #retireStep(watch: ThreadWatch, now: number): void {
    const { row } = watch;
    if (row.clients > 0) {
      this.#moveAway(row, 'reload', now);
      this.#parts.room?.collect(row, now);
    }
    if (watch.isEmptied || !row.isEmpty) return;
    watch.isEmptied = true;
    this.#parts.post({ type: 'thread-empty', thread: row.thread });
  }

  #balance(now: number): void {
    this.#balancedAt = now;
    const { balances, busy, migrator, registry, post } = this.#parts;
    const surplus = registry.surplus(now);
    if (surplus !== undefined && (migrator.moves || surplus.row.clients === 0)) this.#retire(surplus);
    for (const { row } of registry.raise(now)) post({ type: 'thread-demoted', thread: row.thread });
    if (!balances) return;
    this.#isUneven = false;
    this.#balanceInterval = BALANCE_INTERVAL_MS;
    const shift = findShift(registry.even, busy);
    if (shift === undefined) return;
    const { from, to, count, isByNumber } = shift;
    // Who is for the waiting room stays: `to` would never get its share, and in the end nobody would have a thread.
    const choose = (fd: number): ThreadRow | undefined => (this.#roomFor(fd, now) === undefined ? to : undefined);
    if (migrator.moveSome(from, 'balance', choose, now + SLICE_MS, count) === 0) return;
    this.#isUneven = true;
    if (isByNumber) this.#balanceInterval = EMPTYING_INTERVAL_MS;
  }

  /** Moves clients off threads that are free, but may get little of the CPU, or become blocked again: there are better ones. */
  #emptyWorse(now: number): void {
    this.#emptiedAt = now;
    const { balances, migrator, registry } = this.#parts;
    if (!balances) return;
    const elsewhere = this.#elsewhere(now);
    for (const row of registry.recentlyBlocked)
      if (row.clients > 0 && migrator.moveSome(row, 'balance', elsewhere, now + SLICE_MS) > 0) this.#isUneven = true;
  }

  #adopt(now: number): void {
    const orphans = this.#orphans;
    this.#orphans = [];
    for (const row of orphans) this.#takeOver(row, undefined, now);
  }

  /** Deals with the connections of a thread that is gone. Without another thread idle clients wait for one. */
  #takeOver(row: ThreadRow, watch: ThreadWatch | undefined, now: number): void {
    const { closer, post, table } = this.#parts;
    let idle = 0;
    table.forEach(row.thread, (fd, word) => {
      if (stateOf(word) === IDLE && !this.#isDeserted) idle++;
      else this.#end(fd, word, row, watch);
    });
    if (idle > 0 && !this.#empty(row, 'thread-exit', now)) {
      this.#orphans.push(row);
      return;
    }
    row.clearClients();
    closer.reclaim(row);
    this.#release(row);
    post({ type: 'thread-cleared', thread: row.thread });
  }

  /** Closes a connection of a thread that is gone. */
  #end(fd: number, word: number, row: ThreadRow, watch: ThreadWatch | undefined): void {
    const { closer } = this.#parts;
    const reason = this.#reasonOf(fd, row, watch);
    const detail = reason === 'shutdown' ? 'its thread was being replaced' : undefined;
    if (stateOf(word) !== MOVING) closer.close(fd, withState(word, IDLE), row, reason, detail);
  }

  /** Why a client is closed whose thread is gone, or lost. */
  #reasonOf(fd: number, row: ThreadRow, watch: ThreadWatch | undefined): CloseReason {
    const isCurrentClient = watch?.isBlocked === true && watch.reported && fd === row.currentFd;
    if (isCurrentClient) return 'handler-timeout';
    return watch?.retiring === true && !watch.hasDied ? 'shutdown' : 'thread-exit';
  }
}

/** Whether the thread may be at work for its clients without that being seen: Node's loop has woken it. */
function isSilent({ isAwake, row }: ThreadWatch): boolean {
  return !isAwake && row.pins && row.state === PARKED && row.clients > 0;
}
