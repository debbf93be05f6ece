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
const MOVES = 3;
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

  get moves(): Record<MoveCause, number> {
    const entries = MOVE_CAUSES.map((cause, index) => [cause, this.#doubles[MOVES + index] as number]);
    return Object.fromEntries(entries) as Record<MoveCause, number>;
  }

  get rejected(): Record<RejectReason, number> {
    const entries = REJECT_REASONS.map((reason, index) => [reason, this.#doubles[REJECTED + index] as number]);
    return Object.fromEntries(entries) as Record<RejectReason, number>;
  }

  countAccepted(): number {
    return this.#add(ACCEPTED);
  }

  countStall(): void {
    this.#add(STALLS);
  }

  countPause(): void {
    this.#add(PAUSES);
  }

  countMove(cause: MoveCause): void {
    this.#add(MOVES + MOVE_CAUSES.indexOf(cause));
  }

  countRejected(reason: RejectReason): void {
    this.#add(REJECTED + REJECT_REASONS.indexOf(reason));
  }

  #add(index: number): number {
    const sum = (this.#doubles[index] as number) + 1;
    this.#doubles[index] = sum;
    return sum;
  }
}
