/** Used to count what the acceptor does, where main can read it. */

/** Why connections are moved. */
export const MOVE_CAUSES = ['held', 'thread-exit', 'balance', 'reload'] as const;
export type MoveCause = (typeof MOVE_CAUSES)[number];

/** Why clients are turned away as soon as they are accepted. */
export const REJECT_REASONS = ['over-limit', 'denied'] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Why no client is accepted for a while: open files or memory have run out, or there are `maxClients`. */
export const PAUSE_CAUSES = ['no-files', 'no-memory', 'max-clients'] as const;
export type PauseCause = (typeof PAUSE_CAUSES)[number];

const ACCEPTED = 0;
const STALLS = 1;
const MOVES = 2;
const REJECTED = MOVES + MOVE_CAUSES.length;
const PAUSES = REJECTED + REJECT_REASONS.length;
const DOUBLES = PAUSES + PAUSE_CAUSES.length;

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

  get moves(): Record<MoveCause, number> {
    return this.#byName(MOVE_CAUSES, MOVES);
  }

  get rejected(): Record<RejectReason, number> {
    return this.#byName(REJECT_REASONS, REJECTED);
  }

  /** How often accepting has paused. */
  get pauses(): Record<PauseCause, number> {
    return this.#byName(PAUSE_CAUSES, PAUSES);
  }

  countAccepted(): number {
    return this.#add(ACCEPTED);
  }

  countStall(): void {
    this.#add(STALLS);
  }

  countPause(cause: PauseCause): void {
    this.#add(PAUSES + PAUSE_CAUSES.indexOf(cause));
  }

  countMove(cause: MoveCause): void {
    this.#add(MOVES + MOVE_CAUSES.indexOf(cause));
  }

  countRejected(reason: RejectReason): void {
    this.#add(REJECTED + REJECT_REASONS.indexOf(reason));
  }

  #byName<Name extends string>(names: readonly Name[], first: number): Record<Name, number> {
    const entries = names.map((name, index) => [name, this.#doubles[first + index] as number]);
    return Object.fromEntries(entries) as Record<Name, number>;
  }

  #add(index: number): number {
    const sum = (this.#doubles[index] as number) + 1;
    this.#doubles[index] = sum;
    return sum;
  }
}
