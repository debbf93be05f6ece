/** Used to close connections that no service has seen, or whose thread is gone. */
import type { CloseEvent, OpenEvent, ServerEvent } from '../log/event.ts';
import type { Arena } from '../sharing/arena.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import { COUNTED, type ConnectionTable, type Ticket } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Sys } from '../sys/sys.ts';

/** What an event says of its client. */
type EventClient = Omit<OpenEvent, 'type'>;

export type Report = (event: ServerEvent) => void;

/** Makes the event of a client that is gone. */
export function closeEvent(client: EventClient, reason: CloseReason, detail: string | undefined): CloseEvent {
  return detail === undefined ? { type: 'close', ...client, reason } : { type: 'close', ...client, reason, detail };
}

export class Closer {
  readonly #sys: Pick<Sys, 'close' | 'addressText'>;
  readonly #table: ConnectionTable;
  readonly #arena: Arena;
  readonly #report: Report | undefined;

  constructor(
    sys: Pick<Sys, 'close' | 'addressText'>,
    table: ConnectionTable,
    arena: Arena,
    report: Report | undefined,
  ) {
    this.#sys = sys;
    this.#table = table;
    this.#arena = arena;
    this.#report = report;
  }

  /** Closes the connection of `ticket` for `reason`. Its thread cannot touch it any more, or is the one that calls. */
  close(fd: number, ticket: Ticket, row: ThreadRow, reason: CloseReason, detail?: string): void {
    const table = this.#table;
    if (!(table.flags(fd) & COUNTED)) {
      row.countClose(reason);
      this.#report?.(closeEvent(this.describe(fd, row), reason, detail));
    }
    table.closing(fd, ticket);
    row.addClients(-1);
    this.letGo(fd, ticket);
  }

  /** Gives up the slot, what is kept in it, and the fd; the connection ends unless another process has it as well. */
  letGo(fd: number, ticket: Ticket): void {
    const table = this.#table;
    for (const luggage of [table.inbox(fd), table.outbox(fd)]) {
      if (luggage !== undefined) this.#arena.free(luggage.block);
    }
    table.free(fd, ticket);
    this.#sys.close(fd);
  }

  /** Frees what a thread that is gone kept for its clients. */
  reclaim(row: ThreadRow): void {
    this.#arena.reclaim(row.thread);
    row.clearKept();
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
}
