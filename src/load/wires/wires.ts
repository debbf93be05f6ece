/** Defines a connection of the load, whatever carries it: sockets of Heddle's own, or Node's. */

/** Hears of one connection. `now`: this thread's `performance.now()`. */
export interface WireListener {
  opened(now: number): void;
  /** The bytes are the listener's from here on. */
  received(bytes: Buffer, now: number): void;
  /** The connection is gone, and not because `close` was called. */
  closed(why: string, now: number): void;
}

export interface Wire {
  /** Sends `bytes`, or keeps a copy of what the kernel does not take and sends that when it does. */
  write(bytes: Buffer): void;
  /** `reset`: with a reset of the connection, as a client that crashes. */
  close(reset?: boolean): void;
}

/** What the thread does between events. */
export interface Ticker {
  /** When `tick` has to be called, in ms of this thread's clock; Infinity: not soon, and NaN: never again, the run is over. */
  next(): number;
  tick(now: number): void;
}

export interface Wires {
  /** Begins to connect. */
  open(listener: WireListener): Wire;
  /** How long the bytes that are being received may have lain in the kernel, in ms: so late was this thread at most. */
  lateness(now: number): number;
  /** Passes events on and ticks, until `next` gives NaN. */
  run(ticker: Ticker): Promise<void>;
  close(): void;
}

/** The longest that a thread sleeps, in ms: this often it looks whether it must stop. */
export const LONGEST_SLEEP_MS = 20;

/** Why a connection is gone that nothing else was wrong with. */
export const CLOSED_BY_SERVER = 'the server closed it';
