/** Keeps the last moment when a thread knows that what it serves now had not arrived: waits are counted from there. */
import { elapsed, localTime, sharedTenths, sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';

/*
 * A handler's time begins when its thread gets to the message. A client that waited behind another one for 5 s would have been served
 * "in 0.1 ms". So a wait begins at a *floor*, before which the bytes were certainly not there:
 *
 * - epoll_wait blocked: its return. Nothing was ready before.
 * - It returned at once: the return of the last look that had found all there was.
 * - The thread was parked: the acceptor's own last look.
 * - The client was moved off a blocked thread, after the last look of this one: the floor of that thread.
 * - The client itself has blocked the thread, and had sent nothing more when its reply was ready: that moment.
 *
 * A wait is never too short but by the time that the kernel needs to give the thread a CPU. It may be too long by one turn.
 */
export class LookTimes {
  /** The floor of the client that is served now, in `performance.now()` ms. */
  floor = 0;
  readonly #row: ThreadRow;
  readonly #table: ConnectionTable;
  /** The floor of all clients that the last look has found. */
  #batch = 0;
  /** When a look last found all there was. */
  #looked = 0;
  /** The same as `#looked` before the last look that has found something. */
  #before = 0;

  readonly #unread: (fd: number) => number;

  /** `unread` says how many bytes have arrived at an fd that were not read. */
  constructor(row: ThreadRow, table: ConnectionTable, unread: (fd: number) => number) {
    this.#unread = unread;
    this.#row = row;
    this.#table = table;
  }

  /** A look that ended at `now` has found something; `slept`: nothing was there when it began. `isFull`: more may be there. */
  found(now: number, slept: boolean, isFull: boolean): void {
    this.#before = this.#looked;
    this.#batch = slept ? now : this.#looked;
    if (slept || !isFull) this.#looked = now;
    this.floor = this.#batch;
    this.#row.floor = sharedTenths(this.#batch);
    this.#row.turnWindow(sharedTime(now));
  }

  /** A look that ended at `now` has found nothing. */
  foundNothing(now: number): void {
    this.#looked = now;
    this.#row.floor = sharedTenths(now);
  }

  /** The thread was parked until `now`. Without a word of the acceptor's, something else than a client has woken it. */
  woken(now: number): void {
    const rung = this.#row.rungFrom;
    const from = rung === 0 ? now : Math.min(now, localTime(rung, now));
    this.#looked = from > this.#looked ? from : now;
    this.#row.floor = sharedTenths(this.#looked);
  }

  /** All that is found from now on was not there at `time`. For streams, of which Node's event loop tells. */
  from(time: number, now: number): void {
    this.#looked = time;
    this.found(now, false, false);
  }

  /** When a look last found all there was, in `performance.now()` ms. */
  get looked(): number {
    return this.#looked;
  }

  /** The client of `fd`, whose slot this thread has, is served next. */
  serve(fd: number): void {
    this.floor = this.#batch;
    const arrivedFrom = this.#table.arrivedFrom(fd);
    if (arrivedFrom !== 0) this.#useArrival(fd, arrivedFrom);
  }

  /** The client of `fd`, whose slot this thread has, goes back to the waiting room; `hasWork`: messages of it were read and left. */
  leave(fd: number, hasWork: boolean): void {
    if (!hasWork && this.#table.arrivedFrom(fd) !== 0) return; // It has blocked the thread, and had sent nothing more when that was over.
    const from = hasWork ? this.floor : this.#looked;
    this.#table.setArrivedFrom(fd, sharedTenths(from), sharedTenths(this.#looked));
  }

  /** The client of `fd`, whose slot this thread has, has blocked the thread until `now`. */
  hasBlocked(fd: number, now: number): void {
    if (this.#unread(fd) !== 0) return;
    const time = sharedTenths(now);
    this.#table.setArrivedFrom(fd, time, time);
  }

  #useArrival(fd: number, arrivedFrom: number): void {
    this.#table.forgetArrival(fd);
    const now = this.#looked;
    const isFresh = elapsed(sharedTenths(this.#before), this.#table.movedAt(fd)) >= 0;
    if (isFresh) this.floor = Math.min(now, localTime(arrivedFrom, now));
  }
}
