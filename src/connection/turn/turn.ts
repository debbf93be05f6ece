/** Decides how long clients that have sent more keep their thread: then the others of the thread are served. */
import type { LookTimes } from '../../reactor/look-times.ts';
import { DRAINING, GIVING_WAY } from '../flags.ts';

/**
 * After one client has given way, the others may go on for this long, in ms. To give way costs two or three system calls: with many
 * clients that send many short messages, everybody would pay for it and nobody would gain.
 */
const SHARE_MS = 0.25;

/** A connection that may give way. */
interface TurningConnection {
  readonly fd: number;
  readonly input: { readonly isClear: boolean };
  is(flags: number): boolean;
  set(flags: number): void;
}

export class Turn {
  readonly #looks: Pick<LookTimes, 'leave' | 'looked'>;
  readonly #length: number;
  /** When the next client is to give way, in `performance.now()` ms. */
  #ends = Infinity;

  /** `length`: how long a turn may last before a client that could go on gives way, in ms. */
  constructor(looks: Pick<LookTimes, 'leave' | 'looked'>, length: number) {
    this.#looks = looks;
    this.#length = length;
  }

  /** Clients that are ready are served from `now` on. */
  begin(now: number): void {
    this.#ends = now + this.#length;
  }

  /** Whether others are to be served before a client goes on at `now`. */
  isOver(now: number): boolean {
    return now >= this.#ends && this.#hasLasted(now);
  }

  /**
   * Has a client give way that could go on at `now` with what was read and kept, or is there to read, if the turn is over; false: it
   * goes on. The thread has its slot.
   */
  giveWay(connection: TurningConnection, now: number): boolean {
    return now >= this.#ends && !connection.input.isClear && this.#giveWay(connection, now);
  }

  /** The same for a client that could go on with what is just being read. */
  giveWayWithRest(connection: TurningConnection, now: number): boolean {
    return now >= this.#ends && this.#giveWay(connection, now);
  }

  #giveWay(connection: TurningConnection, now: number): boolean {
    if (connection.is(DRAINING) || !this.#hasLasted(now)) return false;
    this.#looks.leave(connection.fd, true);
    connection.set(GIVING_WAY);
    return true;
  }

  /** What goes on after a timer, say, meets the end of a turn that is over: the thread may have looked for others since. */
  #hasLasted(now: number): boolean {
    this.#ends = Math.max(this.#ends, this.#looks.looked + this.#length);
    if (now < this.#ends) return false;
    this.#ends = now + SHARE_MS;
    return true;
  }
}
