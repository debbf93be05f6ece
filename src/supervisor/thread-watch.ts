/** Notices from outside that a message blocks a thread, and that the thread is free again. */
import { BLOCKED_NICE, BLOCKED_SLICE_NS, SERVING_SLICE_NS } from '../sharing/scheduling.ts';
import { ENDING, PARKED, RUNNING, type ThreadRow } from '../sharing/thread-board.ts';
import type { Sys } from '../sys/sys.ts';

/*
 * A thread that is RUNNING takes a turn at least every millisecond or two, and its heartbeat advances at each turn and
 * each message; one that is PARKED owes a beat once it was woken. A heartbeat that stands still for `moveAfter`
 * though it is owed means that something blocks the thread: a loop, a blocking call, a callback of Node's.
 *
 * Or that the machine has no CPU for it. Then no other thread would serve its clients sooner, and no client is to
 * blame: the thread's CPU clock and its state in /proc tell the two apart. A message that is not expensive is done within
 * microseconds of CPU time, however long the thread had to wait for them.
 */

/** A thread that has used this much CPU time on one message, in ms, blocks itself; less, and the machine may keep it waiting. */
const OWN_CPU_MS = 1;

/** A message that blocks its thread for this long, in ms, is likely not to be the last; a pause of the garbage collector is. */
const LONG_BLOCK_MS = 20;

/** So much of it must be CPU time for the thread to get less of that, in ms: a thread that serves may be kept waiting for as long. */
const LONG_CPU_MS = 5;

/**
 * A thread that owes a beat is looked at every 100 ms or sooner. If nobody has looked for this long, in ms, the whole process stood
 * still: that time is no message's.
 */
const STOOD_STILL = 1000;

/** How long a look at a thread's CPU clock is good for. */
const SAMPLE_MS = 8;
/** A thread that has used less of its time than this was waiting, for a file or a lock, if it was seen to. */
const WAITED_SHARE = 0.2;
/** The same at one look. */
const WAITS_SHARE = 0.1;

/** What one message has cost: CPU time and time, in ms. `waited`: for something else than the CPU, most of it. */
export interface Block {
  readonly cpu: number;
  readonly wall: number;
  readonly waited: boolean;
}

/** What is to be charged for it, in ms: the time, where nobody else could have had the thread's CPU time. */
export function costOf({ cpu, wall, waited }: Block): number {
  return waited ? wall : cpu;
}

/** What it takes to know how a thread is, and to say how much CPU it gets. */
export type ThreadCalls = Pick<Sys, 'threadCpuTime' | 'isRunnable' | 'setSlice' | 'addNice'>;

/** What `look` has noticed. */
export type Change = 'blocked' | 'released' | 'starved' | undefined;

export class ThreadWatch {
  readonly row: ThreadRow;
  /** It gets no clients any more and ends when it has none. */
  retiring = false;
  /** It is gone, and nobody had told it to end. */
  hasDied = false;
  /** Main was told that it has none. */
  isEmptied = false;
  /** Since when it is blocked, in `performance.now()` ms; 0: it is not. */
  blockedSince = 0;
  /** All clients that can leave have left it, in the block that it is in. */
  isRelieved = false;
  /** Main was told that it has been blocked for long. */
  isKnownLong = false;
  /** Whether the block that it is in was reported; `undefined`: it is too short so far. */
  isReportedLong: boolean | undefined = undefined;
  /** How many clients it had when the block began. */
  clientsBefore = 0;
  /** The client that it was serving when it was found blocked. */
  currentClient: { readonly fd: number; readonly id: number } | undefined = undefined;
  /** It was reported as blocked beyond `handlerTimeout`. */
  reported = false;
  /** When its clients were last moved away while it is blocked. */
  clearedAt = 0;
  /** It has one expensive client, for one message, and no other client. */
  servesExpensive = false;
  /** Newcomers are being tried on it. */
  isTrying = false;
  /** What the block that has just ended has cost, in ms: CPU time, and all of the time. */
  lastBlock: Block = { cpu: 0, wall: 0, waited: false };
  /** The client that blocks it, while it is not for one that does. */
  blockedBy: { readonly fd: number; readonly id: number } | undefined = undefined;
  /** How much of the cost of its block the client's address was charged, in ms. */
  charged = 0;
  /** When it was last seen blocked for long. */
  lastBlocked = Number.NEGATIVE_INFINITY;
  /** It was blocked for long, and gets a smaller share of the CPU since. */
  isLowered = false;
  /** That could not be taken back. */
  isDemoted = false;
  readonly #sys: ThreadCalls;
  readonly #moveAfter: number;
  #beat: number;
  #since: number;
  /** CPU time when the heartbeat was first found standing still; -1: it was not yet. */
  #cpu = -1;
  #woken = false;
  /** It was found to stand still for want of a CPU since its last beat. */
  #wasStarved = false;
  #lookedAt: number;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #sampledCpu = 0;
  #isWaiting = false;
  /** It was seen to wait since the block, or the turn, began. */
  #hasWaited = false;

  constructor(sys: ThreadCalls, row: ThreadRow, moveAfter: number) {
    this.#sys = sys;
    this.row = row;
    this.#moveAfter = moveAfter;
    this.#beat = row.heartbeat;
    this.#since = performance.now();
    this.#lookedAt = this.#since;
  }

  /** Whether its heartbeat must be looked at again soon. */
  get isAwake(): boolean {
    return this.#woken || this.row.state === RUNNING;
  }

  /** Whether a timer tells if it is blocked: one that it has started since it was woken. */
  get isGuarded(): boolean {
    return !this.#woken && this.row.isGuarded;
  }

  /** It is on its way out: no client blocks it, and nobody will be served there. */
  get isEnding(): boolean {
    return this.row.state === ENDING;
  }

  get isBlocked(): boolean {
    return this.blockedSince !== 0;
  }

  /** For how long it has been blocked, in ms; 0: it is not. */
  blockedFor(now: number): number {
    return this.isBlocked ? now - this.blockedSince : 0;
  }

  isBlockedLong(now: number): boolean {
    return this.isBlocked && now - this.blockedSince >= LONG_BLOCK_MS;
  }

  /** The same, and it has used so much CPU time since that it is to get less of it: what waits takes none from others. */
  isComputingLong(now: number): boolean {
    return this.isLowered || (this.isBlockedLong(now) && this.cpuTime() - this.#cpu >= LONG_CPU_MS);
  }

  /** Whether it takes clients. */
  get isFree(): boolean {
    return !this.isBlocked && !this.retiring && !this.servesExpensive && !this.isTrying && !this.isEnding;
  }

  /** Wakes the thread, which is parked. */
  wake(now: number): void {
    this.#beat = this.row.heartbeat; // Only a beat after the wake-up answers it.
    this.#woken = true;
    this.#since = now;
    this.row.waker.wake();
  }

  /** Has the thread look at those of its clients that are late, or of which the kernel says nothing. */
  lookForLate(now: number): void {
    this.row.expired = true;
    if (this.row.state === PARKED) this.wake(now);
  }

  look(now: number): Change {
    this.#passOver(now);
    const beat = this.row.heartbeat;
    if (beat !== this.#beat || this.#hasParked) return this.#alive(beat, now);
    if (!this.isAwake || this.isEnding) this.#since = now;
    else if (this.isBlockedLong(now)) this.lastBlocked = now;
    else if (this.isBlocked) return undefined;
    else if (this.#cpu < 0) this.#cpu = Math.max(0, this.#sys.threadCpuTime(this.row.tid));
    else if (now - this.#since >= this.#moveAfter) return this.#isStarved() ? this.#starved() : this.#blocked();
    return undefined;
  }

  /**
   * It was found blocked after its last beat, on its way to sleep: it had no CPU there, say. It has come through, and nobody may
   * wake it for long.
   */
  get #hasParked(): boolean {
    return this.isBlocked && !this.#woken && this.row.state === PARKED;
  }

  #blocked(): Change {
    this.blockedSince = this.#since;
    this.charged = 0;
    if (!this.servesExpensive) this.beginTurn();
    this.#sys.setSlice(this.row.tid, BLOCKED_SLICE_NS);
    return 'blocked';
  }

  /** Tells once. */
  #starved(): Change {
    if (this.#wasStarved) return undefined;
    this.#wasStarved = true;
    return 'starved';
  }

  /** What the block, or the turn, that began at `since` with the CPU clock at `cpu`, has cost until now. */
  cost(since: number, cpu: number, now: number): Block {
    const block = { cpu: Math.max(0, this.cpuTime() - cpu), wall: now - since };
    return { ...block, waited: this.#hasWaited && block.cpu < block.wall * WAITED_SHARE };
  }

  /** The same, of the block that it is in. */
  costSoFar(now: number): Block {
    return this.cost(this.blockedSince, this.#cpu, now);
  }

  /** The thread's CPU clock, in ms. */
  cpuTime(): number {
    return Math.max(0, this.#sys.threadCpuTime(this.row.tid));
  }

  /** Begins to see whether it waits, for a message that begins now. */
  beginTurn(): void {
    this.#hasWaited = false;
    this.#sampledAt = Number.NEGATIVE_INFINITY;
  }

  /** Whether it waits for something though it is blocked: it takes no CPU from others. */
  isWaiting(now: number): boolean {
    const elapsed = now - this.#sampledAt;
    if (elapsed < SAMPLE_MS) return this.#isWaiting;
    const cpu = this.cpuTime();
    const isKnown = elapsed < 10 * SAMPLE_MS;
    this.#isWaiting = isKnown && cpu - this.#sampledCpu < elapsed * WAITS_SHARE && !this.#sys.isRunnable(this.row.tid);
    this.#hasWaited ||= this.#isWaiting;
    this.#sampledAt = now;
    this.#sampledCpu = cpu;
    return this.#isWaiting;
  }

  /** Gives the thread its share of the CPU back; false: this process may not. */
  raise(): boolean {
    this.isLowered = this.#sys.addNice(this.row.tid, -BLOCKED_NICE) < 0;
    this.isDemoted = this.isLowered;
    return !this.isDemoted;
  }

  /** Has others kept from this thread for a while, and gives it a smaller share of the CPU. */
  quarantine(now: number): void {
    this.lastBlocked = now;
    this.lower();
  }

  /** Gives the thread a smaller share of the CPU, beside those that serve. */
  lower(): void {
    if (!this.isLowered) this.isLowered = this.#sys.addNice(this.row.tid, BLOCKED_NICE) >= 0;
  }

  #alive(beat: number, now: number): Change {
    const wasBlocked = this.isBlocked;
    if (wasBlocked) {
      this.#sys.setSlice(this.row.tid, SERVING_SLICE_NS);
      this.lastBlock = this.costSoFar(now);
    }
    this.#beat = beat;
    this.#since = now;
    this.#cpu = -1;
    this.#woken = false;
    this.blockedSince = 0;
    this.isRelieved = false;
    this.#wasStarved = false;
    this.clearedAt = 0;
    this.reported = false;
    return wasBlocked ? 'released' : undefined;
  }

  /** Does not count the time in which the process stood still. */
  #passOver(now: number): void {
    const missed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (missed < STOOD_STILL || !this.isAwake) return;
    if (this.isBlocked) this.blockedSince += missed;
    else this.#since = Math.min(now, this.#since + missed);
  }

  #isStarved(): boolean {
    const ran = this.#sys.threadCpuTime(this.row.tid) - this.#cpu;
    return ran < OWN_CPU_MS && this.#sys.isRunnable(this.row.tid);
  }
}
