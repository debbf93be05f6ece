/** A service thread of the net engine: its clients come in messages, and all that it does comes through Node's loop. */
import type { ArrivedClient } from '../connection/arrived-client.ts';
import { PARKED, RUNNING } from '../sharing/thread-board.ts';
import { StreamThread } from './stream-thread.ts';

/*
 * There is no reactor: RUNNING means that the thread is at work on what has arrived, PARKED that it is not. The bell is
 * for deadlines, and for the acceptor to see whether the thread is alive although it is not at work for a client.
 */
export class NetThread extends StreamThread {
  /** Is there for the acceptor, and for its rings, from now on. */
  start(): void {
    this.row.state = PARKED;
    this.#listen();
  }

  /** Takes a new client from the acceptor. */
  receive({ fd, ticket, socket }: ArrivedClient): void {
    if (this.table.holds(fd, ticket)) this.welcome({ fd, ticket }, socket);
    else socket.destroy();
  }

  /** The acceptor looks at threads with clients every now and then: no need to wake it. */
  protected roused(): void {}

  /** What handlers go on with in this turn of the loop is work as well. */
  protected served(): void {
    setImmediate(this.#park);
  }

  readonly #park = (): void => {
    const { row } = this;
    row.busyTime = performance.eventLoopUtilization().active;
    row.beat(-1);
    if (!this.isDue) row.changeState(RUNNING, PARKED);
  };

  #listen(): void {
    const { bell } = this.row;
    bell.wait(bell.count, this.#rung);
  }

  readonly #rung = (): void => {
    this.#listen();
    this.row.beat(-1);
    if (this.row.overdue) this.closeOverdue();
  };
}
