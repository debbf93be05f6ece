/** Shows what every thread is doing without asking it: a row of shared memory for each, on cache lines of its own. */
import { Waker } from './waker.ts';
import { CLOSE_REASONS, type CloseReason, isDrop } from './close-reason.ts';
import { MAX_THREADS } from './control-word.ts';
import { BUCKETS, bucketOf } from './latency-buckets.ts';

/** Not started, or gone. */
export const ABSENT = 0;
/** Taking turns: it looks at its sockets at least every few milliseconds. */
export const RUNNING = 1;
/** Waiting in Node's event loop; the acceptor watches its epoll set and wakes it. */
export const PARKED = 2;
/** It has left its last handler by `process.exit()` or an error, and takes no turn any more: Node is tearing it down. */
export const ENDING = 3;
export type ThreadState = typeof ABSENT | typeof RUNNING | typeof PARKED | typeof ENDING;

/** The longest response is known for the last minute, in windows of 10 s. */
const WINDOW_MS = 10_000;
const LONGEST_WINDOWS = 6;

// The line that other threads read and write.
const STATE = 0;
const WAKER = 1;
const CLIENTS = 2;
const EPOLL_FD = 3;
const TID = 4;
const SPEAKS_FIRST = 5;
const EXPIRED = 6;
const TIMER_FD = 7;
const GUARDED = 8;
const PINS = 9;
const SLEEP_TIMER_FD = 10;
const BLOCKED_SINCE = 11;
const RUNG_FROM = 12;
const BLOCK_MOVED = 13;
const BLOCK_RELIEF = 14;
const CLOSING = 15;
// The line that only the thread itself writes, at every message: its words, counted from the line's first.
const OWN_LINE = 16;
const HEARTBEAT = 0;
const CURRENT_FD = 1;
const FLOOR = 2;
const HANDLERS = 3;
const OWN_WORDS = 4;
// Doubles, written by the thread itself only; aligned 8-byte stores are whole on every 64-bit machine.
const MESSAGES = 16;
const RECEIVED = 17;
const SENT = 18;
const CLOSES = 19;
const LATENCY = CLOSES + CLOSE_REASONS.length;
const BUSY_TIME = LATENCY + BUCKETS;
const KEPT = BUSY_TIME + 1;
const RESPONSE = KEPT + 1;
const WAIT = RESPONSE + BUCKETS;
// The longest response of each of the last windows of 10 s, and which windows these are.
const LONGEST = WAIT + BUCKETS;
const WINDOWS = LONGEST + LONGEST_WINDOWS;
const HEAP_USED = WINDOWS + LONGEST_WINDOWS;
const RATE_WAITS = HEAP_USED + 1;
// Another line, of those who place clients on the thread and take them away: the acceptor, and main once the acceptor is gone.
const CAME = Math.ceil((RATE_WAITS + 1) / 8) * 8;
const MOVED = CAME + 1;
const ENDED = CAME + 2;
const DROPPED = CAME + 3;
const ROW_WORDS = (CAME + 8) * 2;

/** How many threads a board may have: the waiting room is one that a control word can name as well. */
export const MOST_ROWS = MAX_THREADS - 1;

const REASON_INDEX = new Map(CLOSE_REASONS.map((reason, index) => [reason, index]));

/**
 * How clients have come to a thread and left it. When the thread has no client, `came` is the sum of the others: each is counted by whoever
 * does it.
 */
export interface ClientFlow {
  /** Clients that were placed on the thread, or moved to it. */
  readonly came: number;
  /** Clients that went to another thread, the waiting room or another process. */
  readonly moved: number;
  /** Connections that ended on the thread, but for those that were dropped. */
  readonly ended: number;
  /** Connections that ended because the thread did. */
  readonly dropped: number;
}

/** Counters of one thread, or of all of them added up. */
export interface ThreadCounters {
  messages: number;
  receivedBytes: number;
  sentBytes: number;
  closes: Record<CloseReason, number>;
  /** How often a client had to wait because it had sent more than its `rate`. */
  rateWaits: number;
  /** How many messages took as long as each bucket of `latency-buckets.ts` says. */
  latency: Float64Array;
  /** How many messages had their reply ready so long after they had come. */
  response: Float64Array;
  /** How many reads began so long after their bytes had come. */
  wait: Float64Array;
}

/** A row: one thread's state. `thread` is its index on the board. */
export class ThreadRow {
  readonly thread: number;
  /** What users call the thread: they count from 1. 0 is the waiting room, where clients have no thread. */
  readonly number: number;
  readonly waker: Waker;
  readonly #words: Int32Array;
  /** HEARTBEAT, CURRENT_FD, FLOOR and HANDLERS. */
  readonly #own: Int32Array;
  readonly #doubles: Float64Array;
  readonly #at: number;
  readonly #double: number;
  #beat = 0;
  /** The longest response of this window, in µs. */
  #longest = 0;
  #window = -1;

  constructor(buffer: SharedArrayBuffer, thread: number, number = thread + 1) {
    this.thread = thread;
    this.number = number;
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#at = thread * ROW_WORDS;
    this.#double = this.#at >> 1;
    this.#own = new Int32Array(buffer, (this.#at + OWN_LINE) * Int32Array.BYTES_PER_ELEMENT, OWN_WORDS);
    this.waker = new Waker(this.#words, this.#at + WAKER);
  }

  get state(): ThreadState {
    return Atomics.load(this.#words, this.#at + STATE) as ThreadState;
  }

  set state(state: ThreadState) {
    Atomics.store(this.#words, this.#at + STATE, state);
  }

  /** Changes the state if it still is `from`: the thread and the acceptor may both want to. */
  changeState(from: ThreadState, to: ThreadState): boolean {
    return Atomics.compareExchange(this.#words, this.#at + STATE, from, to) === from;
  }

  /** How many clients the thread has; none of them was reported as closed. */
  get clients(): number {
    return Atomics.load(this.#words, this.#at + CLIENTS);
  }

  /** How many connections were reported as closed and are not: their service is told, or their last bytes are on their way. */
  get closing(): number {
    return Atomics.load(this.#words, this.#at + CLOSING);
  }

  addClosing(count: number): void {
    Atomics.add(this.#words, this.#at + CLOSING, count);
  }

  /** Whether nothing is cut off if the thread ends. A client counts as closing before it stops to count as a client: read so. */
  get isEmpty(): boolean {
    return this.clients === 0 && this.closing === 0;
  }

  addClients(count: number): void {
    Atomics.add(this.#words, this.#at + CLIENTS, count);
  }

  /** Counts a client that is the thread's from now on. By whoever places clients. */
  clientCame(): void {
    this.#add(CAME, 1);
    this.addClients(1);
  }

  /** Counts a client that is no longer the thread's, and goes on elsewhere. By whoever moves clients. */
  clientMoved(): void {
    this.#add(MOVED, 1);
    this.addClients(-1);
  }

  /** Counts a connection of the thread whose end somebody else has counted by its reason. */
  countEndElsewhere(reason: CloseReason): void {
    this.#add(isDrop(reason) ? DROPPED : ENDED, 1);
  }

  get flow(): ClientFlow {
    const flow = {
      came: this.#get(CAME),
      moved: this.#get(MOVED),
      ended: this.#get(ENDED),
      dropped: this.#get(DROPPED),
    };
    CLOSE_REASONS.forEach((reason, index) => {
      flow[isDrop(reason) ? 'dropped' : 'ended'] += this.#get(CLOSES + index);
    });
    return flow;
  }

  /** Only when the thread is gone, and all its connections with it. */
  clearClients(): void {
    Atomics.store(this.#words, this.#at + CLIENTS, 0);
    Atomics.store(this.#words, this.#at + CLOSING, 0);
  }

  get epollFd(): number {
    return Atomics.load(this.#words, this.#at + EPOLL_FD);
  }

  set epollFd(fd: number) {
    Atomics.store(this.#words, this.#at + EPOLL_FD, fd);
  }

  /** The timer that wakes the acceptor should the thread not put it off in time; 0: there is none. */
  get timerFd(): number {
    return Atomics.load(this.#words, this.#at + TIMER_FD);
  }

  set timerFd(fd: number) {
    Atomics.store(this.#words, this.#at + TIMER_FD, fd);
  }

  /** That timer runs, or is about to: the thread has started it, and the acceptor has not heard of its end. */
  get isGuarded(): boolean {
    return Atomics.load(this.#words, this.#at + GUARDED) === 1;
  }

  set isGuarded(isGuarded: boolean) {
    Atomics.store(this.#words, this.#at + GUARDED, isGuarded ? 1 : 0);
  }

  /** The timer that ends the thread's sleeps; 0: there is none. */
  get sleepTimerFd(): number {
    return Atomics.load(this.#words, this.#at + SLEEP_TIMER_FD);
  }

  set sleepTimerFd(fd: number) {
    Atomics.store(this.#words, this.#at + SLEEP_TIMER_FD, fd);
  }

  /** The kernel's number of the thread, for its CPU clock. */
  get tid(): number {
    return Atomics.load(this.#words, this.#at + TID);
  }

  set tid(tid: number) {
    Atomics.store(this.#words, this.#at + TID, tid);
  }

  /** The service wants to know of a client before it has sent anything. */
  get speaksFirst(): boolean {
    return Atomics.load(this.#words, this.#at + SPEAKS_FIRST) === 1;
  }

  set speaksFirst(speaksFirst: boolean) {
    Atomics.store(this.#words, this.#at + SPEAKS_FIRST, speaksFirst ? 1 : 0);
  }

  /** Clients stay on the thread that they get: the service has sessions, or TLS is on. */
  get pins(): boolean {
    return Atomics.load(this.#words, this.#at + PINS) === 1;
  }

  set pins(pins: boolean) {
    Atomics.store(this.#words, this.#at + PINS, pins ? 1 : 0);
  }

  /** Clients of the thread have let a deadline pass: it is to close them. */
  get expired(): boolean {
    return Atomics.load(this.#words, this.#at + EXPIRED) === 1;
  }

  set expired(expired: boolean) {
    Atomics.store(this.#words, this.#at + EXPIRED, expired ? 1 : 0);
  }

  /** Advances at each turn and each message. Standing still while RUNNING means blocked. */
  get heartbeat(): number {
    return Atomics.load(this.#own, HEARTBEAT);
  }

  /**
   * The thread's own: says that it is alive, and which client it serves from now on. Plain stores: nobody waits for
   * them, and a fence at each message is dear.
   */
  beat(fd: number): void {
    const own = this.#own;
    own[CURRENT_FD] = fd;
    own[HEARTBEAT] = this.#beat = (this.#beat + 1) | 0;
  }

  /** The client that the thread served at its last beat, -1 for none. */
  get currentFd(): number {
    return Atomics.load(this.#own, CURRENT_FD);
  }

  /** Since when the thread is blocked, as a `sharedTime`; 0: it is not. The acceptor writes it. */
  get blockedSince(): number {
    return Atomics.load(this.#words, this.#at + BLOCKED_SINCE);
  }

  set blockedSince(time: number) {
    Atomics.store(this.#words, this.#at + BLOCKED_SINCE, time);
  }

  /** How many clients have left the thread in the block that it is in. The acceptor writes it. */
  get blockMoved(): number {
    return Atomics.load(this.#words, this.#at + BLOCK_MOVED);
  }

  /** How long it took until all that could had left, in ms; -1: they have not yet. */
  get blockRelief(): number {
    return Atomics.load(this.#words, this.#at + BLOCK_RELIEF) / 10;
  }

  /** `relief`: in ms; -1 where not all have left yet. */
  noteLeft(moved: number, relief: number): void {
    Atomics.store(this.#words, this.#at + BLOCK_MOVED, moved);
    Atomics.store(this.#words, this.#at + BLOCK_RELIEF, Math.round(relief * 10));
  }

  /** When the acceptor, which watches this thread's sockets while it is parked, last saw that none was ready, as `sharedTenths`. */
  get rungFrom(): number {
    return Atomics.load(this.#words, this.#at + RUNG_FROM);
  }

  set rungFrom(time: number) {
    Atomics.store(this.#words, this.#at + RUNG_FROM, time);
  }

  /** What the thread serves now, and what it has not seen yet, has not arrived before this moment, as `sharedTenths`; 0: unknown. */
  get floor(): number {
    return Atomics.load(this.#own, FLOOR);
  }

  /** The thread's own, by a plain store. */
  set floor(time: number) {
    this.#own[FLOOR] = time;
  }

  /** How many calls of the service have begun on the thread, and await something else than a message of their client. */
  get handlers(): number {
    return this.#own[HANDLERS] as number;
  }

  /** The thread's own, by a plain store; and that of whoever finds the thread gone, and its handlers with it. */
  set handlers(count: number) {
    this.#own[HANDLERS] = count;
  }

  /** How many messages the thread, and those that had its row before, have answered. */
  get messages(): number {
    return this.#get(MESSAGES);
  }

  countReceived(bytes: number): void {
    this.#add(RECEIVED, bytes);
  }

  countSent(bytes: number): void {
    this.#add(SENT, bytes);
  }

  /** How long the thread has worked since it started, in ms, as it says itself: where no CPU clock can be read. */
  get busyTime(): number {
    return this.#get(BUSY_TIME);
  }

  set busyTime(milliseconds: number) {
    this.#doubles[this.#double + BUSY_TIME] = milliseconds;
  }

  /** How many bytes of its heap the thread uses, as it has last said; 0: it has not. */
  get heapUsed(): number {
    return this.#get(HEAP_USED);
  }

  set heapUsed(bytes: number) {
    this.#doubles[this.#double + HEAP_USED] = bytes;
  }

  /** How many bytes the thread keeps for its clients outside the arena. */
  get kept(): number {
    return this.#get(KEPT);
  }

  addKept(bytes: number): void {
    this.#add(KEPT, bytes);
  }

  /** Only when the thread is gone, and what it kept with it. */
  clearKept(): void {
    this.#doubles[this.#double + KEPT] = 0;
  }

  /** Counts `messages` that were read and answered within `microseconds`, a whole number. */
  countMessages(messages: number, microseconds: number): void {
    this.#add(MESSAGES, messages);
    this.#add(LATENCY + bucketOf(microseconds), messages);
  }

  /** Counts a read that was begun so many µs after its bytes had come, a whole number. */
  countWait(microseconds: number): void {
    this.#add(WAIT + bucketOf(microseconds), 1);
  }

  /** Counts `messages` that had their replies so many µs after they had come, a whole number. */
  countResponses(messages: number, microseconds: number): void {
    this.#add(RESPONSE + bucketOf(microseconds), messages);
    if (microseconds > this.#longest) this.#noteLongest(microseconds);
  }

  /** The longest response of the last minute, in µs. `now`: a `sharedTime`. */
  longestResponse(now: number): number {
    const current = windowOf(now);
    let longest = 0;
    for (let index = 0; index < LONGEST_WINDOWS; index++)
      if (current - this.#get(WINDOWS + index) < LONGEST_WINDOWS)
        longest = Math.max(longest, this.#get(LONGEST + index));
    return longest;
  }

  /** Begins a new window for the longest response, if it is time. The thread's own. `now`: a `sharedTime`. */
  turnWindow(now: number): void {
    const window = windowOf(now);
    if (window === this.#window) return;
    this.#window = window;
    this.#longest = 0;
    const index = window % LONGEST_WINDOWS;
    this.#doubles[this.#double + LONGEST + index] = 0;
    this.#doubles[this.#double + WINDOWS + index] = window;
  }

  #noteLongest(response: number): void {
    this.#longest = response;
    if (this.#window >= 0) this.#doubles[this.#double + LONGEST + (this.#window % LONGEST_WINDOWS)] = response;
  }

  /** Counts a client that has to wait: it has sent more than its rate. */
  countRateWait(): void {
    this.#add(RATE_WAITS, 1);
  }

  countClose(reason: CloseReason): void {
    this.#add(CLOSES + (REASON_INDEX.get(reason) as number), 1);
  }

  /** Adds this row's counters to `sum`. */
  addTo(sum: ThreadCounters): void {
    sum.messages += this.#get(MESSAGES);
    sum.receivedBytes += this.#get(RECEIVED);
    sum.sentBytes += this.#get(SENT);
    sum.rateWaits += this.#get(RATE_WAITS);
    CLOSE_REASONS.forEach((reason, index) => {
      sum.closes[reason] += this.#get(CLOSES + index);
    });
    this.#addHistogram(sum.latency, LATENCY);
    this.#addHistogram(sum.response, RESPONSE);
    this.#addHistogram(sum.wait, WAIT);
  }

  #addHistogram(sum: Float64Array, from: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) sum[bucket] = (sum[bucket] as number) + this.#get(from + bucket);
  }

  #get(index: number): number {
    return this.#doubles[this.#double + index] as number;
  }

  #add(index: number, amount: number): void {
    const at = this.#double + index;
    this.#doubles[at] = (this.#doubles[at] as number) + amount;
  }
}

/** Counters with nothing counted yet. */
export function zeroCounters(): ThreadCounters {
  const closes = Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])) as Record<CloseReason, number>;
  const histogram = (): Float64Array => new Float64Array(BUCKETS);
  const [latency, response, wait] = [histogram(), histogram(), histogram()];
  return { messages: 0, receivedBytes: 0, sentBytes: 0, closes, rateWaits: 0, latency, response, wait };
}

/** The number of the window that `now`, a `sharedTime`, is in. */
function windowOf(now: number): number {
  return Math.floor((now >>> 0) / WINDOW_MS);
}

/** All rows. A thread's counters stay when it is gone, and go on when another gets its row: totals never fall. */
export class ThreadBoard {
  readonly buffer: SharedArrayBuffer;
  /** Those of threads. */
  readonly rows: readonly ThreadRow[];
  /** The acceptor's own row, of no thread: clients that wait for a thread are idle in its epoll set. */
  readonly waitingRoom: ThreadRow;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    const threads = buffer.byteLength / (ROW_WORDS * 4) - 1;
    this.rows = Array.from({ length: threads }, (_, thread) => new ThreadRow(buffer, thread));
    this.waitingRoom = new ThreadRow(buffer, threads, 0);
  }

  static create(threads: number): ThreadBoard {
    if (threads > MOST_ROWS) throw new RangeError(`at most ${MOST_ROWS} threads, got ${threads}`);
    return new ThreadBoard(new SharedArrayBuffer((threads + 1) * ROW_WORDS * 4));
  }

  /** The row of `thread`, or the waiting room's. */
  row(thread: number): ThreadRow {
    if (thread === this.waitingRoom.thread) return this.waitingRoom;
    const row = this.rows[thread];
    if (row === undefined) throw new RangeError(`no thread ${thread} on a board of ${this.rows.length}`);
    return row;
  }

  /** The rows of threads and the waiting room's. */
  get all(): readonly ThreadRow[] {
    return [...this.rows, this.waitingRoom];
  }

  /** How many clients there are, those that wait for a thread included. */
  get clients(): number {
    return this.rows.reduce((sum, row) => sum + row.clients, this.waitingRoom.clients);
  }

  /** How many connections are in use: clients, and those that were reported as closed and are not. */
  get connections(): number {
    return this.rows.reduce((sum, row) => sum + row.closing, this.clients + this.waitingRoom.closing);
  }

  /** Adds up what was counted. Clients that never got a thread have their end counted in the waiting room's row. */
  total(): ThreadCounters {
    const sum = zeroCounters();
    for (const row of this.all) row.addTo(sum);
    return sum;
  }
}
