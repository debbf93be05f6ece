/** Keeps what a connection is in the middle of as bits of one word: usually none is set, and one test tells. */

/** The kernel may have bytes that were not read. */
export const UNREAD_BYTES = 1 << 0;
/** The kernel may have something behind those bytes: the end of the stream, an error. */
export const UNREAD_BEYOND = 1 << 1;
export const UNREAD = UNREAD_BYTES | UNREAD_BEYOND;
/** The kernel takes no more for now: nothing is read from the client until it does. */
export const BLOCKED = 1 << 2;
/** epoll watches for when the kernel takes more. */
export const WATCHED_FOR_ROOM = 1 << 3;
/** The service is at work for this client. */
export const SERVING = 1 << 4;
/** The service is not ready for another message. */
export const UNREADY = 1 << 5;
/** The client has shut down its side: nothing more will come. */
export const ENDED = 1 << 6;
/** The server is leaving: what has arrived is answered, then the connection is closed. */
export const DRAINING = 1 << 7;
/** No message is taken any more; what is to be sent is sent, then the connection is closed. */
export const FINISHING = 1 << 8;
/** All is sent and the client was told so: it is waited for its end. */
export const LINGERING = 1 << 9;
/** Nothing may be done with this connection any more; its fd may be another's. */
export const CLOSED = 1 << 10;
/** What was sent goes out when the running callbacks are done. */
export const FLUSHING = 1 << 11;
/** The slot is idle, and may be taken by others. Neither this nor `PINNED`: it is BUSY. */
export const IDLE = 1 << 12;
/** The slot is pinned: this thread keeps something of its own. */
export const PINNED = 1 << 13;
/** The slot says where inbox and outbox are: nobody may touch their memory until it does not. */
export const SAVED = 1 << 14;
/** The session has sent something since it was given a message. */
export const ANSWERED = 1 << 15;
/** The session has done that twice, for one message: it may do so again. */
export const SENDS_SEVERAL = 1 << 16;
/** The slot says how much is kept for the client. */
export const NOTED = 1 << 19;

/** An expensive client was given its one message of this turn: it goes back to the waiting room with the rest. */
export const YIELDING = 1 << 17;
/** What was left of the last turn is still to be served. */
export const WORK_LEFT = 1 << 18;
/** The service has called `send` or `receive`: its stack is below, and an end only noted. */
export const CALLED = 1 << 20;
/** It is `CLOSED`, which was noted during a call: the rest of the end comes with the flush. */
export const END_NOTED = 1 << 21;

/** Any of these, and the service may be given no message. */
export const TAKES_NO_INPUT = BLOCKED | UNREADY | FINISHING | CLOSED | YIELDING;

/** Any of these, and the client is not idle, however long no byte comes or goes: it is the server, or another deadline, that it waits for. */
export const NO_IDLE_TIMEOUT = UNREADY | BLOCKED | LINGERING;

export abstract class Flags {
  #word = 0;

  /** Whether any of `conditions` is so. */
  protected is(flags: number): boolean {
    return (this.#word & flags) !== 0;
  }

  protected set(flags: number): void {
    this.#word |= flags;
  }

  protected unset(flags: number): void {
    this.#word &= ~flags;
  }
}
