/** Names the flags of a connection: what it is in the middle of. At most messages none is set, and one comparison tells. */

/** The kernel takes no more for now: nothing is read from the client until it does. Its output says so. */
export const BLOCKED = 1 << 0;
/** epoll watches for when the kernel takes more. */
export const WATCHED_FOR_ROOM = 1 << 1;
/** The service is at work for this client. */
export const SERVING = 1 << 2;
/** The service is not ready for another message. */
export const UNREADY = 1 << 3;
/** The client has shut down its side: nothing more will come. */
export const ENDED = 1 << 4;
/** The server is leaving: what has arrived is answered, then the connection is closed. */
export const DRAINING = 1 << 5;
/** No message is taken any more; what is to be sent is sent, then the connection is closed. */
export const FINISHING = 1 << 6;
/** All is sent and the client was told so: it is waited for its end. */
export const LINGERING = 1 << 7;
/** Nothing may be done with this connection any more; its fd may be another's. */
export const CLOSED = 1 << 8;
/** What was sent goes out when the running callbacks are done. */
export const FLUSHING = 1 << 9;
/** The session has sent something since it was given a message. */
export const ANSWERED = 1 << 10;
/** The session has done that twice, for one message: it may do so again. */
export const SENDS_SEVERAL = 1 << 11;

/** An expensive client was given its one message of this turn: it goes back to the waiting room with the rest. */
export const YIELDING = 1 << 12;
/** What was left of the last turn is still to be served. */
export const WORK_LEFT = 1 << 13;
/** The service has called `send` or `receive`: its stack is below, and an end only noted. */
export const CALLED = 1 << 14;
/** It is `CLOSED`, which was noted during a call: the rest of the end comes with the flush. */
export const END_NOTED = 1 << 15;
/** The framing has changed while a part of a message was kept: it is looked at anew when the running callbacks are done. */
export const REFRAMED = 1 << 16;

/** The client has shut down its side, or is gone: epoll has said so. Bytes that came before may not be read yet. */
export const GOING = 1 << 17;
/** The service has asked for the signal that tells of it. */
export const SIGNALS = 1 << 18;
/** The service has ended its side: what it has sent before is sent, then the end of the stream. Nothing may be sent any more. */
export const ENDS_OUTPUT = 1 << 19;
/** The end of the stream is sent, and the client goes on. */
export const OUTPUT_ENDED = 1 << 20;
/** TLS begins once all that was sent is out. */
export const SECURING = 1 << 21;

/** The client has sent more than its rate allows: it waits, and what it sends waits with it. */
export const OVER_RATE = 1 << 22;

/** The client has had its share of this turn: others of its thread are served before the rest of what it has sent. */
export const GIVING_WAY = 1 << 23;

/** Any of these, and what was read and left is served at the next event. */
export const WAITS_FOR_TURN = YIELDING | WORK_LEFT | GIVING_WAY;

/** The framing keeps a state with the client, or has done so: it is saved with the slot. */
export const KEEPS_FRAMING = 1 << 24;

/** Any of these, and the service may send nothing. */
export const NO_OUTPUT = ENDS_OUTPUT | OUTPUT_ENDED;

/** Any of these, and something is done once all that was sent is out. */
export const WAITS_SENT = ENDS_OUTPUT | SECURING;

/** Any of these, and the service may be given no message. */
export const TAKES_NO_INPUT = BLOCKED | UNREADY | FINISHING | CLOSED | YIELDING | GIVING_WAY | SECURING | OVER_RATE;

/** Any of these, and the client is not idle, however long no byte comes or goes: it is the server, or another deadline, that it waits for. */
export const NO_IDLE_TIMEOUT = UNREADY | BLOCKED | LINGERING | SECURING | OVER_RATE;
