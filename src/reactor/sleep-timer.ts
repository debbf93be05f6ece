/** Ends the sleep of a thread that waits for its sockets, so that Node's event loop gets its turn. */
import { EPOLLET, EPOLLIN } from '../sys/constants.ts';
import type { Sys } from '../sys/sys.ts';
import type { Poller } from './poller.ts';

/*
 * A timeout of epoll_wait(2) is a timer of the kernel's: each sleep starts one and stops it again. On a virtual machine that costs
 * some 7 µs of CPU each time, as the timer is programmed outside of it. A thread that sleeps ten times within a turn needs one timer.
 */

/** The upper half of the timer's event. No client has it for a generation: the generation of a slot in use names a state. */
export const NO_GENERATION = 0;

export class SleepTimer {
  readonly #sys: Pick<Sys, 'timerfdSet'>;
  readonly #fd: number;

  private constructor(sys: Pick<Sys, 'timerfdSet'>, fd: number) {
    this.#sys = sys;
    this.#fd = fd;
  }

  /** Has `poller` tell when the timer `fd` (timerfd_create(2)) is over; `undefined`: it cannot. */
  static watch(sys: Pick<Sys, 'timerfdSet'>, poller: Poller, fd: number): SleepTimer | undefined {
    // EPOLLET: each time that it is over is told once, without reading it.
    return poller.add(fd, EPOLLIN | EPOLLET, fd, NO_GENERATION) < 0 ? undefined : new SleepTimer(sys, fd);
  }

  /** Starts it anew; false: it does not run. */
  start(milliseconds: number): boolean {
    return this.#sys.timerfdSet(this.#fd, milliseconds) >= 0;
  }

  /** Stops it; if it is over and nobody was told, nobody will be. */
  stop(): void {
    this.#sys.timerfdSet(this.#fd, 0);
  }
}
