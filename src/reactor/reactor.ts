/** Used to serve many sockets on one thread beside Node's event loop: the turns of a service thread. */
import { PARKED, RUNNING, type ThreadRow } from '../sharing/thread-board.ts';
import type { Poller } from './poller.ts';

/*
 * Some facts about turns.
 *
 * A turn is: wait for sockets, serve all that are ready, give Node's event loop its turn (setImmediate). The wait is
 * at most 1 ms, so a timer of the service is never later than that; it is 0 while a handler awaits something of Node's
 * own (a timer, a fetch, a database), because what it awaits arrives in the loop that our wait would stop.
 *
 * After some turns without a ready socket the thread parks: it is then an ordinary Node thread that sleeps in Node's
 * own loop, and the acceptor watches its epoll set. Parking arms that watch (EPOLLONESHOT) last of all. A socket that
 * became ready before fires at once when the watch is armed, one that becomes ready later fires then: no wake-up is
 * lost. The bell's count is read before, so a ring between arming and waiting is seen too.
 */

/** The longest that Node's event loop waits for our sockets, in ms. */
const WAIT = 1;

/**
 * Turns without work after which the thread parks. Waking a parked thread costs some 60 µs through the acceptor, so a
 * client that answers within a few milliseconds should find the thread awake.
 */
const EMPTY_TURNS = 8;

/** What the reactor needs of the thread that it runs on. */
export interface Turns {
  /** Comes before the sockets of a turn that has some. */
  begin(): void;
  /** Serves one ready socket. Must not throw. */
  serve(fd: number, ticket: number, mask: number): void;
  /** Tells whether a handler awaits something of Node's own. */
  awaitsNode(): boolean;
  /** Has the acceptor watch this thread's epoll set. */
  arm(): void;
}

export class Reactor {
  readonly #poller: Poller;
  readonly #row: ThreadRow;
  readonly #turns: Turns;
  #empty = 0;
  #stopped = false;

  constructor(poller: Poller, row: ThreadRow, turns: Turns) {
    this.#poller = poller;
    this.#row = row;
    this.#turns = turns;
  }

  start(): void {
    this.#row.state = RUNNING;
    setImmediate(this.#turn);
  }

  /** Ends the turns; the thread then ends when nothing else keeps it. */
  stop(): void {
    this.#stopped = true;
    this.#row.bell.ring();
  }

  readonly #turn = (): void => {
    if (this.#stopped) return;
    this.#row.beat(-1);
    const ready = this.#poller.wait(this.#turns.awaitsNode() ? 0 : WAIT);
    this.#serve(ready);
    this.#empty = ready === 0 ? this.#empty + 1 : 0;
    if (this.#empty < EMPTY_TURNS) setImmediate(this.#turn);
    else this.#park();
  };

  #serve(ready: number): void {
    if (ready === 0) return;
    this.#turns.begin();
    const { events } = this.#poller;
    for (let index = 0; index < ready; index++) {
      this.#turns.serve(events.low(index), events.high(index) | 0, events.mask(index));
    }
  }

  #park(): void {
    const count = this.#row.bell.count;
    if (!this.#row.changeState(RUNNING, PARKED)) {
      setImmediate(this.#turn);
      return;
    }
    this.#turns.arm();
    this.#row.bell.wait(count, this.#wake);
  }

  readonly #wake = (): void => {
    this.#row.changeState(PARKED, RUNNING);
    this.#empty = 0;
    this.#turn();
  };
}
