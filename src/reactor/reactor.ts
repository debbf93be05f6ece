/** Serves many sockets on one thread beside Node's event loop: the turns of a service thread. */
import { performance } from 'node:perf_hooks'; // The global is an accessor, which costs at each look.
import { PARKED, RUNNING, type ThreadRow } from '../sharing/thread-board.ts';
import type { EpollEvents } from '../sys/sys.ts';
import type { LookTimes } from './look-times.ts';
import type { Poller } from './poller.ts';
import { NO_GENERATION, type SleepTimer } from './sleep-timer.ts';
import type { Watchdog } from './watchdog.ts';

/*
 * Some facts about turns.
 *
 * A turn is: wait for sockets, serve all that are ready, and so on for a millisecond; then Node's event loop has its turn
 * (setImmediate). A wait is at most 1 ms, so a timer of the service is never later than two of them. While a handler
 * awaits something of Node's own (a timer, a fetch, a database) the wait is 0 and the turn ends after one look, because
 * what it awaits arrives in the loop that our wait would stop.
 *
 * After some turns without a ready socket the thread parks: it is then an ordinary Node thread that sleeps in Node's
 * own loop, and the acceptor watches its epoll set. Parking arms that watch (EPOLLONESHOT) last of all. A socket that
 * became ready before fires at once when the watch is armed, one that becomes ready later fires then: no wake-up is
 * lost. The waker's count is read before, so a ring between arming and waiting is seen too.
 */

/** The longest that Node's event loop waits for our sockets, in ms. */
const WAIT_MS = 1;
/** The longest that a thread sleeps should its timer not wake it, in ms: less than the default of `moveAfter`. */
const TIMED_WAIT_MS = 4;

/**
 * Turns without work after which the thread parks. Waking a parked thread costs some 60 µs through the acceptor, so a
 * client that answers within a few milliseconds should find the thread awake.
 */
const EMPTY_TURNS = 8;

/**
 * A turn goes on looking at its sockets for this long, in ms, before Node's event loop runs: the loop costs some 2 µs,
 * as much as a third of a message, and has nothing to do for a service that answers at once.
 */
const TURN_MS = 1;

/** What the reactor needs of the thread that it runs on. */
export interface Turns {
  /** When the last event was done with, in `performance.now()` ms. */
  readonly time: number;
  readonly looks: Pick<LookTimes, 'found' | 'foundNothing' | 'woken'>;
  /** Comes before ready sockets are served. */
  begin(): void;
  /** Comes before many sockets are served, of which `events` has the first `count`. */
  expect(events: EpollEvents, count: number): void;
  /** Serves one ready socket. Must not throw. */
  serve(fd: number, generation: number, mask: number): void;
  /** Closes clients that have let a deadline pass. */
  closeExpired(): void;
  /**
   * Tells whether anything was served in Node's event loop since this was asked last: such a turn was not empty. Left out where
   * clients are served by turns only.
   */
  hasServed?(): boolean;
  /** Tells whether something waits for Node's event loop: a handler, or what was put off until callbacks are done. */
  awaitsNode(): boolean;
}

export interface ReactorParts {
  readonly poller: Poller;
  readonly row: ThreadRow;
  readonly turns: Turns;
  /** Has the acceptor watch this thread's epoll set. */
  readonly arm: () => void;
  /** Left out, the acceptor has to look by itself whether this thread takes a turn. */
  readonly watchdog?: Pick<Watchdog, 'putOff'> | undefined;
  /** Left out, each sleep costs more. */
  readonly sleepTimer?: SleepTimer | undefined;
}

export class Reactor {
  readonly #poller: Poller;
  readonly #row: ThreadRow;
  readonly #turns: Turns;
  readonly #arm: () => void;
  readonly #watchdog: Pick<Watchdog, 'putOff'> | undefined;
  readonly #sleepTimer: SleepTimer | undefined;
  /** The sleep timer was started in this turn. */
  #isTimed = false;
  #empty = 0;
  #stopped = false;

  constructor({ poller, row, turns, arm, watchdog, sleepTimer }: ReactorParts) {
    this.#poller = poller;
    this.#row = row;
    this.#turns = turns;
    this.#arm = arm;
    this.#watchdog = watchdog;
    this.#sleepTimer = sleepTimer;
  }

  start(): void {
    this.#row.state = RUNNING;
    setImmediate(this.#turn);
  }

  /** Ends the turns; the thread then ends when nothing else keeps it. */
  stop(): void {
    this.#stopped = true;
    this.#row.waker.wake();
  }

  readonly #turn = (): void => {
    if (this.#stopped) return;
    const turns = this.#turns;
    this.#watchdog?.putOff(turns.time);
    if (this.#row.expired) turns.closeExpired();
    this.#isTimed = false;
    let ready = this.#look();
    const isEmpty = turns.hasServed?.() !== true && ready === 0;
    this.#empty = isEmpty ? this.#empty + 1 : 0;
    const end = turns.time + TURN_MS;
    while (ready > 0 && turns.time < end && !turns.awaitsNode()) ready = this.#look();
    if (this.#empty < EMPTY_TURNS) setImmediate(this.#turn);
    else this.#park();
  };

  /** Waits for sockets and serves those that are ready; returns how many that were. */
  #look(): number {
    this.#row.beat(-1);
    const { events } = this.#poller;
    const { looks } = this.#turns;
    const found = this.#poller.wait(0);
    const ready = found || this.#sleep();
    if (ready === 0) {
      looks.foundNothing(performance.now());
      return 0;
    }
    this.#turns.begin();
    looks.found(this.#turns.time, found === 0, ready === events.capacity);
    if (ready === events.capacity) this.#turns.expect(events, ready);
    let served = 0;
    for (let index = 0; index < ready; index++) {
      const generation = events.high(index);
      if (generation === NO_GENERATION) continue;
      this.#turns.serve(events.low(index), generation, events.mask(index));
      served++;
    }
    return served;
  }

  /** Waits until sockets are ready, or for `WAIT` ms from the first sleep of this turn on. */
  #sleep(): number {
    if (this.#turns.awaitsNode()) return 0;
    this.#isTimed ||= this.#sleepTimer?.start(WAIT_MS) === true;
    return this.#poller.wait(this.#isTimed ? TIMED_WAIT_MS : WAIT_MS);
  }

  #park(): void {
    const count = this.#row.waker.count;
    if (!this.#row.changeState(RUNNING, PARKED)) {
      setImmediate(this.#turn);
      return;
    }
    this.#sleepTimer?.stop(); // It would be work to the acceptor.
    this.#arm();
    this.#row.waker.wait(count, this.#wake);
  }

  readonly #wake = (): void => {
    this.#turns.looks.woken(performance.now());
    this.#row.changeState(PARKED, RUNNING);
    this.#empty = 0;
    this.#turn();
  };
}
