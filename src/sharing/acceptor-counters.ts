/** Counts what the acceptor does, where main can read it. */
import { BUCKETS, bucketOf, toMicroseconds } from './latency-buckets.ts';

/** Why connections are moved. */
export const MOVE_CAUSES = ['blocked', 'thread-exit', 'balance', 'reload'] as const;
export type MoveCause = (typeof MOVE_CAUSES)[number];

/** Why clients are turned away as soon as they are accepted. */
export const REJECT_REASONS = ['over-limit', 'denied'] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** Why no client is accepted for a while: open files or memory have run out, or there are `maxClients`. */
export const PAUSE_CAUSES = ['no-files', 'no-memory', 'max-clients'] as const;
export type PauseCause = (typeof PAUSE_CAUSES)[number];

/** What has blocked a thread: the message of a client, or something else, such as a timer of the service or the garbage collector. */
export const BLOCK_CAUSES = ['client', 'other'] as const;
export type BlockCause = (typeof BLOCK_CAUSES)[number];

const ACCEPTED = 0;
const STALLS = 1;
const TAKEN_OVER = 2;
const HANDED_OVER = 3;
const LEAVING = 4;
const LAST_ID = 5;
const MOVES = 6;
const REJECTED = MOVES + MOVE_CAUSES.length;
const PAUSES = REJECTED + REJECT_REASONS.length;
const STARVED = PAUSES + PAUSE_CAUSES.length;
const BLOCKS = STARVED + 1;
const RELIEF = BLOCKS + BLOCK_CAUSES.length * BUCKETS;
const DOUBLES = RELIEF + BUCKETS;

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

  /** How often a message has blocked its thread for longer than `moveAfter`. */
  get stalls(): number {
    return this.#doubles[STALLS] as number;
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
    return this.#byName(MOVE_CAUSES, MOVES);
  }

  get rejected(): Record<RejectReason, number> {
    return this.#byName(REJECT_REASONS, REJECTED);
  }

  /** How often accepting has paused. */
  get pauses(): Record<PauseCause, number> {
    return this.#byName(PAUSE_CAUSES, PAUSES);
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

  /** How often a thread stood still for want of a CPU. */
  get starved(): number {
    return this.#doubles[STARVED] as number;
  }

  countStarved(): void {
    this.#add(STARVED);
  }

  /** How many blocks were as long as each bucket of `latency-buckets.ts` says, by cause. */
  get blocks(): Record<BlockCause, Float64Array> {
    const entries = BLOCK_CAUSES.map((cause, index) => [cause, this.#histogram(BLOCKS + index * BUCKETS)]);
    return Object.fromEntries(entries) as Record<BlockCause, Float64Array>;
  }

  /** Counts a block of `ms` that has ended. */
  countBlock(cause: BlockCause, ms: number): void {
    this.#add(BLOCKS + BLOCK_CAUSES.indexOf(cause) * BUCKETS + bucketOf(toMicroseconds(ms)));
  }

  /** How long it took from the beginning of a block until all clients that could leave the thread had left. */
  get relief(): Float64Array {
    return this.#histogram(RELIEF);
  }

  countRelief(ms: number): void {
    this.#add(RELIEF + bucketOf(toMicroseconds(ms)));
  }

  countPause(cause: PauseCause): void {
    this.#add(PAUSES + PAUSE_CAUSES.indexOf(cause));
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

  #histogram(from: number): Float64Array {
    return this.#doubles.slice(from, from + BUCKETS);
  }

  #byName<Name extends string>(names: readonly Name[], first: number): Record<Name, number> {
    const entries = names.map((name, index) => [name, this.#doubles[first + index] as number]);
    return Object.fromEntries(entries) as Record<Name, number>;
  }

  #add(index: number, count = 1): number {
    const sum = (this.#doubles[index] as number) + count;
    this.#doubles[index] = sum;
    return sum;
  }
}
