/** Finds out whether a client waits that no thread reads: for the case that all threads are blocked. */
import { isExpensive } from '../sharing/client-kind.ts';
import { type ConnectionTable, WORK_LEFT } from '../sharing/connection-table.ts';
import { PINNED, IDLE, stateOf } from '../sharing/control-word.ts';
import type { ThreadBoard } from '../sharing/thread-board.ts';
import { EPOLLIN } from '../sys/constants.ts';
import { PollSet } from '../sys/structs/poll-set.ts';
import type { Sys } from '../sys/sys.ts';

/** How many fds one call of poll(2) is asked about. */
const ASKED_AT_ONCE = 512;

export class UnreadClients {
  readonly #sys: Pick<Sys, 'poll' | 'unread'>;
  readonly #table: ConnectionTable;
  readonly #board: ThreadBoard;
  readonly #listeners: Int32Array;
  readonly #asked: PollSet;
  readonly #fds = new Int32Array(ASKED_AT_ONCE);

  /** `listeners`: the fds of the listening sockets, at most 512. */
  constructor(
    sys: Pick<Sys, 'allocate' | 'poll' | 'unread'>,
    table: ConnectionTable,
    board: ThreadBoard,
    listeners: readonly number[],
  ) {
    this.#sys = sys;
    this.#table = table;
    this.#board = board;
    this.#listeners = Int32Array.from(listeners.slice(0, ASKED_AT_ONCE));
    this.#asked = new PollSet(sys.allocate(PollSet.bytesFor(ASKED_AT_ONCE)));
  }

  /** Whether a client has connected that nobody has accepted. */
  get hasNewcomer(): boolean {
    return this.#ask(this.#listeners, this.#listeners.length) > 0;
  }

  /**
   * Whether a client has sent something that no thread has read. Those that are being served do not count, nor expensive ones: they
   * wait for their turns.
   */
  get hasClient(): boolean {
    const served = new Set(this.#board.rows.map(({ currentFd }) => currentFd));
    for (let from = 0; from < this.#table.size; ) {
      let count = 0;
      for (; from < this.#table.size && count < ASKED_AT_ONCE; from++) {
        if (!this.#mayWait(from) || served.has(from)) continue;
        if (this.#table.flags(from) & WORK_LEFT) return true;
        this.#fds[count++] = from;
      }
      if (this.#hasUnread(count)) return true;
    }
    return false;
  }

  #mayWait(fd: number): boolean {
    const state = stateOf(this.#table.word(fd));
    return (state === IDLE || state === PINNED) && !isExpensive(this.#table.kind(fd));
  }

  /** Whether one of the first `count` of `#fds` has bytes; the end of a client alone is not worth a thread. */
  #hasUnread(count: number): boolean {
    if (this.#ask(this.#fds, count) <= 0) return false;
    for (let index = 0; index < count; index++)
      if (this.#asked.isReady(index) && this.#sys.unread(this.#asked.fd(index)) > 0) return true;
    return false;
  }

  /** How many of the first `count` of `fds` can be read, or the errno. */
  #ask(fds: Int32Array, count: number): number {
    if (count === 0) return 0;
    this.#asked.ask(fds, count, EPOLLIN);
    return this.#sys.poll(this.#asked, count);
  }
}
