/** Holds what all threads of one server share, and reads it on main. */
import { Closer } from '../connection/close.ts';
import { printError } from '../log/error-log.ts';
import type { ServerEvent } from '../log/event.ts';
import { AcceptorCounters, type MoveCause, type PauseCause, type RejectReason } from '../sharing/acceptor-counters.ts';
import type { ServeSettings } from '../options/serve-options.ts';
import { Arena } from '../sharing/arena.ts';
import { ClientsPerAddress } from '../sharing/clients-per-address.ts';
import { ConnectionTable, LOST } from '../sharing/connection-table.ts';
import { FREE, IDLE, stateOf, threadOf, withState } from '../sharing/control-word.ts';
import type { Releasable } from '../sharing/lock.ts';
import { MOST_ROWS, ThreadBoard, type ThreadCounters, type ThreadRow } from '../sharing/thread-board.ts';
import type { SharedBuffers } from '../thread/messages.ts';
import type { Sys } from '../sys/sys.ts';
import { EventStream } from './event-stream.ts';

/** The largest connection table, in fds: what Linux allows a process by default (`fs.nr_open`). */
export const MOST_FDS = 2 ** 20;

/** Bytes that all clients together may have kept for them where they move with the client. Memory is taken as it is used. */
const ARENA_BYTES = 64 * 2 ** 20;

/** Numbers of a server: totals since it started, but for `clients`. */
export interface ServerStats extends ThreadCounters {
  /** How many clients are connected now. */
  readonly clients: number;
  /** How many clients were accepted. */
  readonly accepted: number;
  /** How many clients were taken over from the process before this one; `accepted` does not have them. */
  readonly takenOver: number;
  /** How many clients were handed over to the process after this one: for them, no close is counted here. */
  readonly handedOver: number;
  /** How many clients were closed as soon as they were accepted, by reason; `accepted` does not have them. */
  readonly rejected: Readonly<Record<RejectReason, number>>;
  /** How often accepting has paused, by cause; clients wait in the kernel meanwhile. */
  readonly acceptPauses: Readonly<Record<PauseCause, number>>;
  /** How often a message has blocked its thread for longer than `moveAfter`. */
  readonly stalls: number;
  /** How many clients changed threads, by cause. */
  readonly moves: Readonly<Record<MoveCause, number>>;
  /** How many clients each thread has now; a thread that is not running has 0. */
  readonly threads: readonly { readonly id: number; readonly clients: number }[];
}

type CloseCalls = Pick<Sys, 'close' | 'addressText'> & Partial<Pick<Sys, 'shutdown'>>;

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

  /** `fileLimit`: how many files the process may have open. */
  constructor(fileLimit: number, { maxClientsPerAddress, onEvent, proxyProtocol, threads }: ServeSettings) {
    this.table = ConnectionTable.create(Math.min(MOST_FDS, fileLimit));
    // During a reload there are twice as many threads; a thread that does not end keeps its row.
    this.board = ThreadBoard.create(Math.min(MOST_ROWS, threads.max * 3));
    this.reportsAll = onEvent !== undefined;
    this.events = new EventStream(onEvent ?? printError);
    const isShared = maxClientsPerAddress !== Infinity && proxyProtocol.length > 0;
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
    };
  }

  /** Locks that a thread may have had when it died. */
  get locks(): readonly Releasable[] {
    return [this.arena, this.events.ring.lock, this.addresses?.lock].filter((lock) => lock !== undefined);
  }

  report(event: ServerEvent): void {
    this.events.report(event);
  }

  stats(): ServerStats {
    const threads = this.board.rows.map((row) => ({ id: row.number, clients: row.clients }));
    const { accepted, handedOver, leaving, moves, pauses: acceptPauses, rejected, stalls, takenOver } = this.counters;
    const clients = this.board.clients + leaving;
    const counts = { accepted, takenOver, handedOver, rejected, acceptPauses, stalls, moves };
    return { ...this.board.total(), clients, threads, ...counts };
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
