/** Holds what all threads of one server share, and reads it on main. */
import { BEHIND_CAUSES, type BehindCause, type BoardStats, type ThreadStats } from '../admin/server-stats.ts';
import { randomBytes } from 'node:crypto';
import { Closer } from '../connection/end/close.ts';
import { printError } from '../log/error-log.ts';
import type { ServerEvent } from '../log/event.ts';
import { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import { Arena } from '../sharing/arena.ts';
import { ClientsPerAddress } from '../sharing/clients-per-address.ts';
import { ageOf, sharedTime } from '../sharing/clock.ts';
import { ConnectionTable, LOST } from '../sharing/connection-table.ts';
import { FREE, IDLE, PINNED, stateOf, threadOf, withState } from '../sharing/control-word.ts';
import type { Releasable } from '../sharing/lock.ts';
import { RateCells } from '../sharing/rate/rate-cells.ts';
import { ABSENT, MOST_ROWS, ThreadBoard, type ThreadRow } from '../sharing/thread-board.ts';
import type { SharedBuffers } from '../thread/messages.ts';
import type { Sys } from '../sys/sys.ts';
import { EventStream } from './event-stream.ts';

/** The largest connection table, in fds: what Linux allows a process by default (`fs.nr_open`). */
export const MOST_FDS = 2 ** 20;

/** Bytes that all clients together may have kept for them where they move with the client. Memory is taken as it is used. */
const ARENA_BYTES = 64 * 2 ** 20;

/** How many addresses may be counted at once against a rate by address. 1 MiB. */
const RATED_ADDRESSES = 2 ** 16;

type CloseCalls = Pick<Sys, 'storeAndClose' | 'addressText'> & Partial<Pick<Sys, 'shutdown'>>;

export class SharedMemory {
  readonly table: ConnectionTable;
  readonly board: ThreadBoard;
  readonly arena = Arena.create(ARENA_BYTES);
  readonly counters = new AcceptorCounters();
  readonly events: EventStream;
  /** Whether somebody listens to all events; otherwise errors are printed. */
  readonly reportsAll: boolean;
  /** Left out unless the threads that read PROXY headers count clients too. */
  readonly addresses: ClientsPerAddress | undefined;

  /** Where messages are counted against the rate, if there is one. */
  readonly #rates: SharedArrayBuffer | undefined;
  readonly #speaksTls: boolean;
  readonly #counted = new Map<ServerEvent['type'], number>();

  /** `fileLimit`: how many files the process may have open. */
  constructor(fileLimit: number, settings: ServeSettings) {
    const { maxClientsPerAddress, onEvent, proxyProtocol, rate, threads, tls } = settings;
    this.#speaksTls = tls !== undefined && tls.start !== 'later';
    this.table = ConnectionTable.create(Math.min(MOST_FDS, fileLimit));
    // During a reload there are twice as many threads; a thread that does not end keeps its row.
    this.board = ThreadBoard.create(Math.min(MOST_ROWS, threads.max * 3));
    this.reportsAll = onEvent !== undefined;
    this.events = new EventStream(onEvent ?? printError);
    const isShared = maxClientsPerAddress !== Infinity && proxyProtocol.length > 0;
    const senders = rate !== 'none' && rate.by === 'address' ? RATED_ADDRESSES : this.table.capacity;
    this.#rates = rate === 'none' ? undefined : RateCells.create(senders, randomBytes(4).readInt32LE());
    this.addresses = isShared ? ClientsPerAddress.create(this.table) : undefined;
  }

  /** What each thread is started with. */
  get buffers(): SharedBuffers {
    return {
      table: this.table.buffer,
      board: this.board.buffer,
      arena: this.arena.buffer,
      events: this.events.ring.buffer,
      addresses: this.addresses?.buffer,
      rates: this.#rates,
    };
  }

  /** Locks that a thread may have had when it died. */
  get locks(): readonly Releasable[] {
    return [this.arena, this.events.ring.lock, this.addresses?.lock].filter((lock) => lock !== undefined);
  }

  /** Takes an event of main's own. */
  report(event: ServerEvent): void {
    this.#counted.set(event.type, this.countOf(event.type) + 1);
    this.events.report(event);
  }

  /** How many events of `type` main has reported. */
  countOf(type: ServerEvent['type']): number {
    return this.#counted.get(type) ?? 0;
  }

  /** How many clients are connected now. */
  get clients(): number {
    return this.board.clients + this.counters.leaving;
  }

  stats(): BoardStats {
    const { clients } = this; // Before `takenOver`, which says how many of them another process may still count as well.
    const now = sharedTime(performance.now());
    const { rows } = this.board;
    const { accepted, handedOver, moves, pauses: acceptPauses, rejected, stalls, takenOver } = this.counters;
    const { blocks, relief, starved } = this.counters;
    return {
      ...this.board.total(),
      clients,
      threads: rows.map((row) => threadStats(row, now)),
      accepted,
      takenOver,
      handedOver,
      rejected,
      acceptPauses,
      stalls,
      moves,
      blocks,
      relief,
      starved,
      longestResponse: rows.reduce((longest, row) => Math.max(longest, row.longestResponse(now)), 0) / 1e6,
      behindBlocked: this.behindBlocked(0),
      handlersRunning: rows.reduce((sum, row) => sum + row.handlers, 0),
    };
  }

  /**
   * The clients that cannot leave a thread that has been blocked for `ms` or longer. Reads all slots, but only while such a thread has
   * clients.
   */
  behindBlocked(ms: number): Record<BehindCause, number> {
    const now = sharedTime(performance.now());
    const behind = Object.fromEntries(BEHIND_CAUSES.map((why) => [why, 0])) as Record<BehindCause, number>;
    for (const row of this.board.rows) {
      if (row.blockedSince === 0 || row.clients === 0 || ageOf(row.blockedSince, now) < ms) continue;
      const pinned = row.pins ? (this.#speaksTls ? 'tls' : 'session') : 'handler';
      this.table.forEach(row.thread, (fd, word) => {
        if (fd !== row.currentFd) behind[stateOf(word) === PINNED ? pinned : 'no-thread']++;
      });
    }
    return behind;
  }

  /**
   * Closes what the threads, which are gone now, have left open; `detail` says why, where it is not in order. Clients of the threads
   * of `lost`, which are not gone, are cut off.
   */
  closeLeft(sys: CloseCalls, detail: string | undefined, lost: readonly number[] = []): void {
    const { board, table } = this;
    const closer = this.#closer(sys, board.waitingRoom); // Its writer, the acceptor, is gone.
    for (let fd = 0; fd < table.size; fd++) {
      const word = table.word(fd);
      if (stateOf(word) === FREE) continue;
      const row = board.row(threadOf(word));
      if (!lost.includes(row.thread)) closer.close(fd, withState(word, IDLE), row, 'shutdown', detail);
      else if (!(table.flags(fd) & LOST)) closer.cutOff(fd, row, 'shutdown', detail);
    }
    for (const row of board.all) row.clearClients();
  }

  /** Closes what `thread`, which was lost and is gone now, had open. */
  closeLost(sys: CloseCalls, thread: number): void {
    const { board, table } = this;
    const closer = this.#closer(sys, board.row(thread));
    table.forEach(thread, (fd, word) => closer.close(fd, withState(word, IDLE), board.row(thread), 'shutdown'));
  }

  #closer(sys: CloseCalls, own: ThreadRow): Closer {
    return new Closer(sys, this.table, this.arena, (event) => this.report(event), own);
  }
}

function threadStats(row: ThreadRow, now: number): ThreadStats {
  const { blockedSince, clients, heapUsed: heapBytes, messages, number: id } = row;
  const isRunning = row.state !== ABSENT;
  return {
    id,
    isRunning,
    clients,
    messages,
    heapBytes,
    blockedMs: blockedSince === 0 ? 0 : Math.max(1, ageOf(blockedSince, now)),
  };
}
