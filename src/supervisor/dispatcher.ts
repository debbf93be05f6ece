/** Says what the acceptor asks of its engine: to give clients to threads, and to move them. */
import type { MoveCause } from '../sharing/acceptor-counters.ts';
import type { Generation } from '../sharing/connection-table.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';

/** Chooses the thread that a client moves to; `undefined`: the client stays. */
export type Choose = (fd: number) => ThreadRow | undefined;

export interface Dispatcher {
  /** Whether clients can change threads. */
  readonly moves: boolean;
  /** Threads are to hear of clients that move to them at once, whether these have sent something or not: they are being drained. */
  announces: boolean;
  /** Gives a client just admitted under `generation` to the thread of `row`, where it is counted already. */
  place(fd: number, generation: Generation, row: ThreadRow): void;
  /** Moves the connection that is idle under `generation` on `from` to `to`. False: it was not idle there any more. */
  move(fd: number, generation: Generation, from: ThreadRow, to: ThreadRow, cause: MoveCause): boolean;
  /**
   * Moves connections that are idle on `from`, each to the thread that `choose` gives, until about `until` (in
   * `performance.now()` ms). Returns how many were moved; at most `most`.
   */
  moveSome(from: ThreadRow, cause: MoveCause, choose: Choose, until: number, most?: number): number;
  /**
   * Moves all connections that are idle on `from`, in several steps: this takes one, until about `until`. False: another step must
   * follow soon.
   */
  evacuate(from: ThreadRow, cause: MoveCause, choose: Choose, until: number): boolean;
}
