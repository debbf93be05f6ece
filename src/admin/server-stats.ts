/** Says what a server tells of itself in numbers: to its own program, and to those who watch it from outside. */
import type { BlockCause, MoveCause, PauseCause, RejectReason } from '../sharing/acceptor-counters.ts';
import type { ThreadCounters } from '../sharing/thread-board.ts';

/** Why a client cannot leave a thread that is blocked: it has a session or speaks TLS, its handler runs, or no thread takes it. */
export const BEHIND_CAUSES = ['session', 'tls', 'handler', 'no-thread'] as const;
export type BehindCause = (typeof BEHIND_CAUSES)[number];

/**
 * Numbers of a server: totals since it started, but for those that say `now`. Durations are counted in the 64 buckets of
 * `latencyBounds()`. Reading them costs no service thread anything.
 */
export interface ServerStats extends ThreadCounters {
  /** How many clients are connected now. An `open` event comes when its client is counted, a `close` event when it is not any more. */
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
  /** How many blocks were as long as each bucket says, by what caused them; a block counts when it has ended. */
  readonly blocks: Readonly<Record<BlockCause, Float64Array>>;
  /** How long it took from the beginning of a block until all clients that could leave the thread had left. */
  readonly relief: Float64Array;
  /** How often a thread stood still because the machine had no CPU for it: not a fault of the service's code. */
  readonly starved: number;
  /** The longest response of the last 60 s, in seconds. */
  readonly longestResponse: number;
  /** How many clients are on blocked threads now and cannot leave, by why. The client that blocks the thread is none of them. */
  readonly behindBlocked: Readonly<Record<BehindCause, number>>;
  /**
   * How many calls of the service are waiting now: of async `message` and `open` functions that have not ended, and of sessions that
   * await something else than the next message of their client.
   */
  readonly handlersRunning: number;
  /** How many clients have taken nothing of what waits for them for a second or longer, now. */
  readonly clientsNotReading: number;
  /** How many bytes wait in the process for clients that do not read, now. What the kernel has taken is not counted. */
  readonly unsentBytes: number;
  /** How many clients changed threads, by cause. */
  readonly moves: Readonly<Record<MoveCause, number>>;
  /**
   * Each thread now: how many clients it has, how many messages it has answered, how many bytes of its heap it uses (as of its last turn,
   * or a second before), and for how many ms it has been blocked (0: it is not).
   */
  readonly threads: readonly ThreadStats[];
}

/** What it takes reading all slots of clients to know. */
export type NotReadingStats = Pick<ServerStats, 'clientsNotReading' | 'unsentBytes'>;

/** What the rows of threads say, while no thread is blocked. */
export type BoardStats = Omit<ServerStats, keyof NotReadingStats>;

export interface ThreadStats {
  readonly id: number;
  readonly isRunning: boolean;
  readonly clients: number;
  readonly messages: number;
  readonly heapBytes: number;
  readonly blockedMs: number;
}
