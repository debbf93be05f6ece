/** Moves all idle clients off a thread: those that talk first, the others in slices. */
import type { MoveCause } from '../sharing/acceptor-counters.ts';
import { sharedTime } from '../sharing/clock.ts';
import type { ConnectionTable } from '../sharing/connection-table.ts';
import { IDLE, stateOf, threadOf } from '../sharing/control-word.ts';
import type { ThreadRow } from '../sharing/thread-board.ts';
import { EPOLLIN } from '../sys/constants.ts';
import { PollSet } from '../sys/structs/poll-set.ts';
import type { Sys } from '../sys/sys.ts';
import type { Choose, Dispatcher } from './dispatcher.ts';

/*
 * A blocked thread may have 18,000 clients, of which a few talk. Moving all of them takes the acceptor about 100 ms; meanwhile the
 * few would wait, and no client would be accepted. So an evacuation takes several turns of the acceptor, and has an order:
 *
 * 1. Clients that were seen in the last second. Their slots say so, and reading all slots takes less than a millisecond.
 * 2. Others that have sent something. poll(2) says so, but the sockets of an idle crowd are in no cache: some 2 µs for each.
 * 3. All others. Every fourth step asks them again.
 *
 * The sockets are asked, not the thread's epoll set: the events that the thread has fetched and not served yet are in no set any
 * more. poll(2) takes no event away, and its answer decides nothing but the order, so the acceptor asks without having the slots: a
 * client that was closed or taken meanwhile fails the compare-and-swap of its move.
 */

/** How many clients one call of poll(2) is asked about. */
const ASKED_AT_ONCE = 256;

/** How long ago a client was seen that is likely to send soon, in ms. */
const RECENT_MS = 1000;

/** How many clients a step tries to move at least, whatever the time is. */
const LEAST_TRIED = 64;

/** After how many steps the clients that are left are asked again. */
const STEPS_UNASKED = 4;

/** How far the evacuation of a thread has come. */
interface Progress {
  /** How many steps have moved clients of the third kind. */
  steps: number;
  /** The clients in slots below this one were asked. */
  asked: number;
  /** The clients in slots below this one were moved, or cannot be. */
  moved: number;
}

/** Moves the client of `fd`, if it is idle; false: it stays. */
type Move = (fd: number) => boolean;

export class Evacuations {
  readonly #sys: Pick<Sys, 'poll'>;
  readonly #table: ConnectionTable;
  readonly #migrator: Pick<Dispatcher, 'move'>;
  readonly #asked: PollSet;
  readonly #fds = new Int32Array(ASKED_AT_ONCE);
  readonly #underWay = new Map<ThreadRow, Progress>();

  constructor(sys: Pick<Sys, 'allocate' | 'poll'>, table: ConnectionTable, migrator: Pick<Dispatcher, 'move'>) {
    this.#sys = sys;
    this.#table = table;
    this.#migrator = migrator;
    this.#asked = new PollSet(sys.allocate(PollSet.bytesFor(ASKED_AT_ONCE)));
  }

  /** Takes a step, until about `until` (in `performance.now()` ms). True: all clients were visited, the next step begins anew. */
  step(from: ThreadRow, cause: MoveCause, choose: Choose, until: number): boolean {
    const progress = this.#underWay.get(from) ?? { steps: 0, asked: 0, moved: 0 };
    this.#underWay.set(from, progress);
    const move: Move = (fd) => {
      const word = this.#table.word(fd);
      if (stateOf(word) !== IDLE || threadOf(word) !== from.thread) return false;
      const to = choose(fd);
      return to !== undefined && to !== from && this.#migrator.move(fd, word, from, to, cause);
    };
    const waited = this.#moveRecent(from, move) || this.#moveReady(from, move, progress, until);
    if (waited === 0 && progress.asked < this.#table.size) return false;
    // The acceptor's next turn wakes threads that sleep, so a step that has moved clients who wait ends soon.
    this.#moveRest(from, move, progress, waited > 0 ? 0 : until);
    if (progress.moved < this.#table.size) return false;
    this.#underWay.delete(from);
    return true;
  }

  /** Moves clients that were seen lately, first those of them that have sent something since. Returns how many had. */
  #moveRecent(from: ThreadRow, move: Move): number {
    const since = sharedTime(performance.now() - RECENT_MS);
    const count = this.#table.listIdle(from.thread, 0, this.#fds, since);
    const waited = this.#moveReadyOf(count, move);
    for (let index = 0; index < count; index++) move(this.#fds[index] as number);
    return waited;
  }

  /** Moves clients that have sent something, until one of them has moved. Returns how many. */
  #moveReady(from: ThreadRow, move: Move, progress: Progress, until: number): number {
    while (progress.asked < this.#table.size) {
      const count = this.#table.listIdle(from.thread, progress.asked, this.#fds);
      progress.asked = count < ASKED_AT_ONCE ? this.#table.size : (this.#fds[count - 1] as number) + 1;
      const waited = this.#moveReadyOf(count, move);
      if (waited > 0 || performance.now() >= until) return waited;
    }
    return 0;
  }

  /** Moves those of the first `count` of `#fds` that have sent something; returns how many. */
  #moveReadyOf(count: number, move: Move): number {
    const asked = this.#asked;
    asked.ask(this.#fds, count, EPOLLIN);
    if (count === 0 || this.#sys.poll(asked, count) <= 0) return 0;
    let moved = 0;
    for (let index = 0; index < count; index++) if (asked.isReady(index) && move(asked.fd(index))) moved++;
    return moved;
  }

  /** Moves clients in the order of their slots. */
  #moveRest(from: ThreadRow, move: Move, progress: Progress, until: number): void {
    let left = LEAST_TRIED;
    progress.moved = this.#table.walk(from.thread, progress.moved, (fd) => {
      move(fd);
      return --left > 0 || performance.now() < until;
    });
    progress.steps++;
    if (progress.steps % STEPS_UNASKED === 0) progress.asked = progress.moved;
  }
}
