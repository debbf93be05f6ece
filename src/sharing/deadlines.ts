/** Finds clients that are to be closed: those that have let a deadline pass, and those for which too much is kept. */
import { elapsed } from './clock.ts';
import type { CloseReason } from './close-reason.ts';
import type { ConnectionTable } from './connection-table.ts';

/** How long a client may take, in ms; Infinity: for ever. */
export interface Timeouts {
  /** Without a byte either way, while nobody is at work on its message and nothing waits for it. */
  readonly idleTimeout: number;
  /** To complete a message that it has begun, however its bytes drip. */
  readonly messageTimeout: number;
  /** Without reading a byte of what waits for it. */
  readonly sendTimeout: number;
}

/** How often clients are looked at, in ms: a tenth of the shortest timeout, within these bounds. */
const MIN_PERIOD_MS = 20;
const MAX_PERIOD_MS = 500;

export class Deadlines {
  readonly #table: ConnectionTable;
  readonly #timeouts: Timeouts;
  readonly #shortest: number;

  constructor(table: ConnectionTable, timeouts: Timeouts) {
    this.#table = table;
    this.#timeouts = timeouts;
    const { idleTimeout, messageTimeout, sendTimeout } = timeouts;
    this.#shortest = Math.min(idleTimeout, messageTimeout, sendTimeout);
  }

  /** How often clients have to be looked at, in ms; Infinity: nobody has to look. It shrinks with a client's own `idleTimeout`. */
  get period(): number {
    const shortest = Math.min(this.#shortest, this.#table.shortestIdleTimeout);
    return shortest === Infinity ? Infinity : Math.min(MAX_PERIOD_MS, Math.max(MIN_PERIOD_MS, shortest / 10));
  }

  /**
   * Whether the thread of `fd` must ask the kernel at `time`, a `sharedTime`, if the client has read some of what waits for it.
   *
   * The kernel says that a socket is writable when a third of its buffer is free, so nothing tells that a client reads a little. Bytes
   * also leave the buffer just after a write has filled it: the client's kernel takes them. A thread that asked at the deadline alone
   * would find that room, and wait for another `sendTimeout`. So it asks after 0, 1, 2, 4, 8 … periods without progress.
   */
  asksForProgress(fd: number, time: number): boolean {
    const stalledAt = this.#table.writeStalledAt(fd);
    if (stalledAt === 0 || this.#timeouts.sendTimeout === Infinity) return false;
    const periods = Math.floor(elapsed(stalledAt, time) / this.period);
    return (periods & (periods - 1)) === 0;
  }

  /**
   * Tells why the connection of `fd` is to be closed at `time`, a `sharedTime`: it has let a deadline pass, too much is kept
   * for it, or the operator says so. `undefined`: it is not.
   */
  expired(fd: number, time: number): CloseReason | undefined {
    const table = this.#table;
    const { idleTimeout, messageTimeout, sendTimeout } = this.#timeouts;
    if (table.isKicked(fd)) return 'kicked';
    if (table.isSurplus(fd)) return 'over-limit';
    const [stalledAt, startedAt, lastActivity] = [
      table.writeStalledAt(fd),
      table.messageStartedAt(fd),
      table.lastActivity(fd),
    ];
    if (stalledAt !== 0 && elapsed(stalledAt, time) >= sendTimeout) return 'send-timeout';
    if (startedAt !== 0 && elapsed(startedAt, time) >= messageTimeout) return 'message-timeout';
    const mayIdle = table.idleTimeout(fd) || idleTimeout;
    return lastActivity !== 0 && elapsed(lastActivity, time) >= mayIdle ? 'idle-timeout' : undefined;
  }
}
