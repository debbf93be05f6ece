/** Used to say how clients get to their threads, and from one to another: what the acceptor asks of its engine. */
import type { MoveCause } from '../sharing/acceptor-counters.ts';
import type { Ticket } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import type { Choose } from './evacuation.ts';

export interface Carrier {
  /** Whether clients can change threads. */
  readonly moves: boolean;
  /** Threads are to hear of clients that move to them at once, whether these have sent something or not: they are being drained. */
  announces: boolean;
  /** Gives a client just admitted under `ticket` to the thread of `row`. */
  place(fd: number, ticket: Ticket, row: ThreadRow): void;
  /** Moves the connection that rests under `ticket` on `from` to `to`. False: it was not at rest there any more. */
  move(fd: number, ticket: Ticket, from: ThreadRow, to: ThreadRow, cause: MoveCause): boolean;
  /**
   * Moves connections that rest on `from`, each to the thread that `choose` gives, until about `until` (in
   * `performance.now()` ms). Returns how many were moved; at most `most`.
   */
  moveSome(from: ThreadRow, cause: MoveCause, choose: Choose, until: number, most?: number): number;
  /**
   * Moves all connections that rest on `from`, in several steps: this takes one, until about `until`. False: another step must
   * follow soon.
   */
  evacuate(from: ThreadRow, cause: MoveCause, choose: Choose, until: number): boolean;
}
