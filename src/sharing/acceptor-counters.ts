/** Used to count what the acceptor does, where main can read it. */

/** Why connections are moved. */
export const MOVE_CAUSES = ['held', 'thread-exit', 'balance', 'reload'] as const;
export type MoveCause = (typeof MOVE_CAUSES)[number];

/** Why clients are turned away as soon as they are accepted. */
export const REJECT_REASONS = ['over-limit', 'denied'] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

const ACCEPTED = 0;
const STALLS = 1;
const PAUSES = 2;
const TAKEN_OVER = 3;
const HANDED_OVER = 4;
const LEAVING = 5;
const LAST_ID = 6;
const MOVES = 7;
const REJECTED = MOVES + MOVE_CAUSES.length;
const DOUBLES = REJECTED + REJECT_REASONS.length;

/** Totals since the server started. Written by the acceptor only. */
export class AcceptorCounters {
  readonly buffer: SharedArrayBuffer;
  readonly #doubles: Float64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(DOUBLES * 8)) {
    this.buffer = buffer;
    this.#doubles = new Float64Array(buffer);
  }

  get accepted(): number {
    return this.#doubles[ACCEPTED] as number;
  }

  /** How often a message has held its thread for longer than `moveAfter`. */
  get stalls(): number {
    return this.#doubles[STALLS] as number;
  }

  /** How often accepting has paused because the system was out of something. */
  get pauses(): number {
    return this.#doubles[PAUSES] as number;
  }

  /** How many clients were taken over from the process before this one. */
  get takenOver(): number {
    return this.#doubles[TAKEN_OVER] as number;
  }

  /** How many clients were handed over to the process after this one. */
  get handedOver(): number {
    return this.#doubles[HANDED_OVER] as number;
  }

  /** How many clients are on their way to it now: they are still this process's, and on none of its threads. */
  get leaving(): number {
    return this.#doubles[LEAVING] as number;
  }

  get moves(): Record<MoveCause, number> {
    const entries = MOVE_CAUSES.map((cause, index) => [cause, this.#doubles[MOVES + index] as number]);
    return Object.fromEntries(entries) as Record<MoveCause, number>;
  }

  get rejected(): Record<RejectReason, number> {
    const entries = REJECT_REASONS.map((reason, index) => [reason, this.#doubles[REJECTED + index] as number]);
    return Object.fromEntries(entries) as Record<RejectReason, number>;
  }

  /** Counts a client that was accepted, and gives it its number. */
  countAccepted(): number {
    this.#add(ACCEPTED);
    return this.#add(LAST_ID);
  }

  /** The highest number that a client has. */
  get lastId(): number {
    return this.#doubles[LAST_ID] as number;
  }

  /** Goes on with numbers above `id`, which the process before this one has given. */
  goOnFrom(id: number): void {
    this.#doubles[LAST_ID] = Math.max(this.lastId, id);
  }

  countStall(): void {
    this.#add(STALLS);
  }

  countPause(): void {
    this.#add(PAUSES);
  }

  countTakenOver(): void {
    this.#add(TAKEN_OVER);
  }

  countHandedOver(): void {
    this.#add(HANDED_OVER);
  }

  addLeaving(count: number): void {
    this.#add(LEAVING, count);
  }

  countMove(cause: MoveCause): void {
    this.#add(MOVES + MOVE_CAUSES.indexOf(cause));
  }

  countRejected(reason: RejectReason): void {
    this.#add(REJECTED + REJECT_REASONS.indexOf(reason));
  }

  #add(index: number, count = 1): number {
    const sum = (this.#doubles[index] as number) + count;
    this.#doubles[index] = sum;
    return sum;
  }
}
