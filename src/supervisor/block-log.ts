/** Records how long threads were blocked, by what, and how soon their other clients had left. */
import type { Closer, Report } from '../connection/end/close.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { ThreadWatch } from './thread-watch.ts';

/** A block this long, in ms, is an event. */
const REPORTED_MS = 500;
/** Such an event comes once in this time, in ms, at most; the next one says how many were left out. */
const REPORT_INTERVAL_MS = 10_000;

/** Not all clients that can leave have left. */
const NOT_YET = -1;

export interface BlockLogParts {
  readonly table: ConnectionTable;
  readonly counters: AcceptorCounters;
  readonly closer: Closer;
  readonly report: Report | undefined;
}

export class BlockLog {
  readonly #parts: BlockLogParts;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #hidden = 0;

  constructor(parts: BlockLogParts) {
    this.#parts = parts;
  }

  /** The thread of `watch` is blocked, while it serves the client of `fd`; `undefined`: it serves none. */
  begin(watch: ThreadWatch, fd: number | undefined): void {
    const { counters, table } = this.#parts;
    if (!watch.isEmptied) counters.countStall();
    watch.currentClient = fd === undefined ? undefined : { fd, id: table.id(fd) };
    watch.clientsBefore = watch.row.clients;
    watch.row.noteLeft(0, NOT_YET);
    watch.row.blockedSince = sharedTime(watch.blockedSince);
  }

  /** All clients of the thread were asked to leave; `hadPlaces`: there were threads for them. The first time counts. */
  cleared(watch: ThreadWatch, hadPlaces: boolean, now: number): void {
    if (watch.isRelieved || !hadPlaces) return;
    watch.isRelieved = true;
    const relief = now - watch.blockedSince;
    watch.row.noteLeft(Math.max(0, watch.clientsBefore - watch.row.clients), relief);
    this.#parts.counters.countRelief(relief);
  }

  /** The thread is not blocked any more, or is gone; it was blocked for `ms`. */
  end({ currentClient, row }: ThreadWatch, ms: number, now: number): void {
    row.blockedSince = 0;
    if (ms === 0) return;
    this.#parts.counters.countBlock(currentClient === undefined ? 'other' : 'client', ms);
    if (ms >= REPORTED_MS) this.#tell(row, ms, currentClient, now);
  }

  #tell(row: ThreadRow, ms: number, client: ThreadWatch['currentClient'], now: number): void {
    const { closer, report, table } = this.#parts;
    if (report === undefined) return;
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) {
      this.#hidden++;
      return;
    }
    const isKnown = client !== undefined && table.hasId(client.fd, client.id);
    const about = isKnown ? closer.describe(client.fd, row) : { time: Date.now(), thread: row.number };
    const hidden = this.#hidden > 0 && { hidden: this.#hidden };
    report({ type: 'turn', ...about, blockedMs: Math.round(ms), ...hidden });
    this.#reportedAt = now;
    this.#hidden = 0;
  }
}
