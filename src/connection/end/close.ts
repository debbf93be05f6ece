/** Closes connections: those that a service has, those that none has seen yet, and those whose thread is gone. */
import type { CloseEvent, OpenEvent, ServerEvent } from '../../log/event.ts';
import type { Arena } from '../../sharing/arena.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { COUNTED, type ConnectionTable, type Generation, LOST } from '../../sharing/connection-table.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import { SHUT_RDWR } from '../../sys/constants.ts';
import type { Sys } from '../../sys/sys.ts';

/** What an event says of its client. */
type EventClient = Omit<OpenEvent, 'type'>;

export type Report = (event: ServerEvent) => void;

/** A client that a service was given. */
export interface ServedClient {
  /** Tells the service, and drops what its thread keeps for the client. Its end was reported; its slot is still its own. */
  letGo(reason: CloseReason): void;
}

function closeEvent(client: EventClient, reason: CloseReason, detail: string | undefined): CloseEvent {
  return detail === undefined ? { type: 'close', ...client, reason } : { type: 'close', ...client, reason, detail };
}

/** Node's own sockets cannot be shut down by another thread than theirs. */
type CloserCalls = Pick<Sys, 'storeAndClose' | 'addressText'> & Partial<Pick<Sys, 'shutdown'>>;

export class Closer {
  readonly #sys: CloserCalls;
  readonly #table: ConnectionTable;
  readonly #arena: Arena;
  readonly #report: Report | undefined;
  readonly #own: ThreadRow;

  /** `own`: the row whose counters only this thread writes. The counters of a client's thread are for that thread. */
  constructor(sys: CloserCalls, table: ConnectionTable, arena: Arena, report: Report | undefined, own: ThreadRow) {
    this.#own = own;
    this.#sys = sys;
    this.#table = table;
    this.#arena = arena;
    this.#report = report;
  }

  /**
   * Closes the connection of `generation` for `reason`: the slot is marked, the end is counted and reported, the service lets
   * its client go, what is kept is freed, then the slot, then the fd. The caller has the slot, or its thread is gone.
   * Who hears of an end finds it counted: the client is none of `row.clients` any more.
   */
  close(
    fd: number,
    generation: Generation,
    row: ThreadRow,
    reason: CloseReason,
    detail?: string,
    served?: ServedClient,
  ): void {
    const table = this.#table;
    table.closing(fd, generation);
    this.#tell(fd, row, reason, detail);
    served?.letGo(reason);
    if (!(table.flags(fd) & LOST)) row.addClosing(-1);
    this.letGo(fd, generation);
  }

  /** Whether `cutOff` reaches clients. */
  get cuts(): boolean {
    return this.#sys.shutdown !== undefined;
  }

  /**
   * Ends the connection of a thread that was told to end and does not. Slot and fd stay that thread's until it is gone: this is
   * shutdown(2), which no other file can feel, since the thread runs no JavaScript any more that could close the fd.
   */
  cutOff(fd: number, row: ThreadRow, reason: CloseReason, detail?: string): void {
    const table = this.#table;
    this.#tell(fd, row, reason, detail);
    table.setFlags(fd, table.flags(fd) | LOST);
    row.addClosing(-1); // Its place is for others: the thread may stay for ever.
    this.#sys.shutdown?.(fd, SHUT_RDWR);
  }

  /** Gives up the slot, what is saved in it, and the fd; the connection ends unless another process has it as well. */
  letGo(fd: number, generation: Generation): void {
    const table = this.#table;
    for (const saved of [table.inbox(fd), table.outbox(fd)]) {
      if (saved !== undefined) this.#arena.free(saved.block);
    }
    const state = table.clientState(fd);
    if (state !== 0) this.#arena.free(state);
    table.free(fd, generation, this.#sys);
  }

  /** Frees what a thread that is gone kept for its clients. */
  reclaim(row: ThreadRow): void {
    this.#arena.reclaim(row.thread);
    row.clearKept();
    row.handlers = 0;
  }

  /** What an event says of the client. */
  describe(fd: number, row: ThreadRow): EventClient {
    const address = this.#sys.addressText(this.#table.address(fd));
    return {
      time: Date.now(),
      client: this.#table.id(fd),
      address,
      port: this.#table.port(fd),
      thread: row.number,
    };
  }

  /** Counts and reports the end of a connection, unless that was done: by its thread, which died in the middle, say. */
  #tell(fd: number, row: ThreadRow, reason: CloseReason, detail: string | undefined): void {
    const flags = this.#table.flags(fd);
    if (flags & COUNTED) return;
    row.addClosing(1);
    row.addClients(-1);
    this.#own.countClose(reason);
    if (row.thread !== this.#own.thread) row.countEndElsewhere(reason);
    this.#report?.(closeEvent(this.describe(fd, row), reason, detail));
    this.#table.setFlags(fd, flags | COUNTED);
  }
}
