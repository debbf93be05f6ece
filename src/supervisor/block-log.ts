/** Records how long threads were blocked, by what, and how soon their other clients had left. */
import type { Closer, Report } from '../connection/end/close.ts';
import type { AcceptorCounters } from '../sharing/acceptor-counters.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadWatch } from './thread-watch.ts';

/** Main looks for the code of a block this long, in ms, while it goes on. */
const LONG_MS = 100;
/** A block this long, in ms, is an event while it goes on, and another when it is over. */
const REPORTED_MS = 300;
/** Such a block is reported once in this time, in ms, at most; the next one says how many were left out. */
const REPORT_INTERVAL_MS = 10_000;

/** Not all clients that can leave have left. */
const NOT_YET = -1;

export interface BlockLogParts {
  readonly table: ConnectionTable;
  readonly counters: AcceptorCounters;
  readonly closer: Closer;
  readonly report: Report | undefined;
  readonly post: (message: BlockNotice) => void;
}

/** What main is told of long blocks: that one goes on, and that it is over. */
export type BlockNotice =
  | {
      readonly type: 'block-long';
      readonly thread: number;
      /** When it began, as a `sharedTime`. */
      readonly since: number;
    }
  | ({ readonly type: 'block-ended' } & EndedBlock);

export interface EndedBlock {
  /** The number of the thread, from 1. */
  readonly thread: number;
  readonly ms: number;
  /** How many clients have left the thread meanwhile. */
  readonly moved: number;
  /** Whom it served; left out where that is not known any more. */
  readonly client?: { readonly id: number; readonly address: string; readonly port: number };
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

  /** The block goes on. */
  goesOn(watch: ThreadWatch, now: number): void {
    const ms = watch.blockedFor(now);
    if (!watch.isKnownLong && ms >= LONG_MS) {
      watch.isKnownLong = true;
      this.#parts.post({ type: 'block-long', thread: watch.row.number, since: watch.row.blockedSince });
    }
    if (ms < REPORTED_MS || watch.isReportedLong !== undefined) return;
    watch.isReportedLong = this.#mayReport(now);
    if (!watch.isReportedLong) return;
    this.#parts.report?.({ type: 'thread-blocked', ...this.#about(watch), blockedMs: Math.round(ms) });
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
  end(watch: ThreadWatch, ms: number, now: number): void {
    const { currentClient, isReportedLong, row } = watch;
    row.blockedSince = 0;
    if (ms === 0) return;
    this.#parts.counters.countBlock(currentClient === undefined ? 'other' : 'client', ms);
    if (watch.isKnownLong) this.#tellMain(watch, ms);
    watch.isKnownLong = false;
    watch.isReportedLong = undefined;
    if (isReportedLong ?? (ms >= REPORTED_MS && this.#mayReport(now))) this.#reportEnd(watch, ms);
  }

  #tellMain({ currentClient, row }: ThreadWatch, ms: number): void {
    const { closer, post } = this.#parts;
    const about = { thread: row.number, ms: Math.round(ms), moved: row.blockMoved };
    if (!this.#isKnown(currentClient)) return post({ type: 'block-ended', ...about });
    const { address, client: id, port } = closer.describe(currentClient.fd, row);
    post({ type: 'block-ended', ...about, client: { id, address, port } });
  }

  #isKnown(client: ThreadWatch['currentClient']): client is NonNullable<ThreadWatch['currentClient']> {
    return client !== undefined && this.#parts.table.hasId(client.fd, client.id);
  }

  /** Whether a block is reported now; if not, it is counted as hidden. */
  #mayReport(now: number): boolean {
    if (this.#parts.report === undefined) return false;
    if (now - this.#reportedAt < REPORT_INTERVAL_MS) {
      this.#hidden++;
      return false;
    }
    this.#reportedAt = now;
    return true;
  }

  #reportEnd(watch: ThreadWatch, ms: number): void {
    const { blockMoved: moved, blockRelief: reliefMs } = watch.row;
    const left = moved > 0 && reliefMs >= 0 && { moved, reliefMs };
    const hidden = this.#hidden > 0 && { hidden: this.#hidden };
    this.#parts.report?.({ type: 'turn', ...this.#about(watch), blockedMs: Math.round(ms), ...left, ...hidden });
    this.#hidden = 0;
  }

  #about({ currentClient: client, row }: ThreadWatch): { time: number; thread: number } {
    return this.#isKnown(client)
      ? this.#parts.closer.describe(client.fd, row)
      : { time: Date.now(), thread: row.number };
  }
}
