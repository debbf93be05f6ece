/** Holds clients to a rate: counts each message before the service gets it, and has a client wait, or ends it, that sends too many. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each wait.
import { isUnixAddress } from '../../ip-address.ts';
import type { FullRate } from '../../options/values/rate.ts';
import type { Poller } from '../../reactor/poller.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import type { ConnectionTable } from '../../sharing/connection-table.ts';
import type { RateCells } from '../../sharing/rate/rate-cells.ts';
import type { ThreadRow } from '../../sharing/thread-board.ts';
import { CLOSED, DRAINING, FINISHING, OVER_RATE, WORK_LEFT } from '../flags.ts';
import { interestFor } from '../interest.ts';
import type { Lease } from '../lease.ts';

/*
 * A client that waits is idle as any other, with its messages saved in its slot: it can move, and the thread that gets it asks its rate
 * anew. Nothing more is read from it, so TCP slows it down.
 */

/** A connection as its rate sees it. */
export interface RatedConnection {
  readonly fd: number;
  /** Stands for who is counted: see `keyOf`. */
  readonly rateKey: number;
  readonly lease: Pick<Lease, 'generation' | 'take'>;
  is(flags: number): boolean;
  set(flags: number): void;
  unset(flags: number): void;
  finish(reason: CloseReason, detail: string): void;
  /** Gives up the slot, if it was idle. */
  flushNow(): void;
}

type Waiting = Pick<RatedConnection, 'fd'>;

/** The rate of a server, and where messages are counted against it. */
export interface RateLimit {
  readonly rate: FullRate;
  readonly cells: RateCells;
}

/** What a rate needs of its thread. */
interface RateContext {
  readonly table: ConnectionTable;
  readonly row: ThreadRow;
  readonly poller: Pick<Poller, 'modify'>;
  time: number;
}

export class MessageRate {
  readonly #cells: RateCells;
  readonly #rate: FullRate;
  readonly #context: RateContext;
  readonly #isByAddress: boolean;
  /** What wakes those that wait. */
  readonly #waiting = new Map<Waiting, NodeJS.Timeout>();

  constructor({ cells, rate }: RateLimit, context: RateContext) {
    this.#cells = cells;
    this.#rate = rate;
    this.#context = context;
    this.#isByAddress = rate.by === 'address';
  }

  /** Stands for the client of `fd` where messages are counted. A client of a Unix socket has no address, and counts alone. */
  keyOf(fd: number): number {
    const { table } = this.#context;
    const address = table.address(fd);
    if (this.#isByAddress && !isUnixAddress(address)) return this.#cells.keyOfAddress(address);
    return this.#cells.keyOfClient(table.id(fd));
  }

  /**
   * Counts a message that the service is about to get. False: it comes too soon, and the client waits, or its connection ends. While
   * the server leaves there is no rate: what has arrived is answered soon.
   */
  admits(connection: RatedConnection): boolean {
    if (connection.is(DRAINING)) return true;
    const { time } = this.#context;
    const { fd, rateKey } = connection;
    const cell = this.#isByAddress ? this.#cells.find(rateKey, time) : this.#cells.own(fd, rateKey);
    const tooSoon = this.#cells.take(cell, time);
    if (tooSoon === 0) return true;
    if (this.#rate.over === 'close') connection.finish('over-rate', this.#excess());
    else this.#wait(connection, tooSoon);
    return false;
  }

  /** Has the client wait no longer, if it does: at the next event its messages are served. */
  lift(connection: RatedConnection): void {
    if (!connection.is(OVER_RATE)) return;
    this.forget(connection);
    connection.unset(OVER_RATE);
    connection.set(WORK_LEFT);
  }

  /** The client is gone. */
  forget(connection: Waiting): void {
    clearTimeout(this.#waiting.get(connection));
    this.#waiting.delete(connection);
  }

  #wait(connection: RatedConnection, ms: number): void {
    connection.set(OVER_RATE);
    this.#context.row.countRateWait();
    this.#waiting.set(connection, setTimeout(this.#goOn, Math.ceil(ms), connection));
  }

  /**
   * The time has come: asks for an event, at which the thread serves the client in its turn. Done here, its message might block a
   * parked thread, which the acceptor notices late. Where the client has moved, it is the other thread's.
   */
  readonly #goOn = (connection: RatedConnection): void => {
    const { fd, lease } = connection;
    const context = this.#context;
    this.#waiting.delete(connection);
    context.time = performance.now();
    if (connection.is(CLOSED | FINISHING) || !lease.take()) return;
    this.lift(connection);
    context.poller.modify(fd, interestFor(true), fd, lease.generation);
    connection.flushNow();
  };

  #excess(): string {
    const { burst, by, messages } = this.#rate;
    const who = by === 'client' ? 'it has' : 'clients of its address have';
    return `${who} sent more than ${messages}, and more than ${burst} at once (rate)`;
  }
}
