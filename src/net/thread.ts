/** Runs a service thread of the net engine: its clients come in messages, and all that it does comes through Node's loop. */
import type { ArrivedClient } from './arrived-client.ts';
import { PARKED, RUNNING, type ThreadRow } from '../sharing/thread-board.ts';
import { type StreamEngine, StreamThread, type StreamThreadParts } from '../streams/stream-thread.ts';

/*
 * There is no reactor: RUNNING means that the thread is at work on what has arrived, PARKED that it is not. The waker is
 * for deadlines, and for the acceptor to see whether the thread is alive although it is not at work for a client.
 */
export class NetThread implements StreamEngine {
  readonly streams: StreamThread;
  readonly #row: ThreadRow;

  constructor(parts: StreamThreadParts) {
    this.#row = parts.row;
    this.streams = new StreamThread(parts, this);
  }

  /** Is there for the acceptor, and for its rings, from now on. */
  start(): void {
    this.#row.state = PARKED;
    this.#listen();
  }

  /** Takes a new client from the acceptor. */
  receive({ fd, generation, socket }: ArrivedClient): void {
    if (this.streams.table.isPinned(fd, generation)) this.streams.add({ fd, generation }, socket);
    else socket.destroy();
  }

  /** The acceptor looks at threads with clients every now and then: no need to wake it. */
  roused(): void {}

  /** What handlers go on with in this turn of the loop is work as well. */
  served(): void {
    setImmediate(this.#park);
  }

  readonly #park = (): void => {
    const row = this.#row;
    row.busyTime = performance.eventLoopUtilization().active;
    row.beat(-1);
    if (!this.streams.isDue) row.changeState(RUNNING, PARKED);
  };

  #listen(): void {
    const { waker } = this.#row;
    waker.wait(waker.count, this.#woken);
  }

  readonly #woken = (): void => {
    this.#listen();
    this.#row.busyTime = performance.eventLoopUtilization().active;
    this.#row.beat(-1);
    if (this.#row.expired) this.streams.closeExpired();
  };
}
