/** Says what a server is, and what its clients do to it. */

export const KINDS = ['message', 'borrow', 'session'] as const;
export const TRANSPORTS = ['tcp', 'unix', 'tls'] as const;
export const FRAMINGS = ['line', 'length', 'delimiter'] as const;
/** `half`: part of a message, and no more. `finish`: the client shuts down its side, and takes what is left. */
export const ENDS = ['leave', 'finish', 'reset', 'half'] as const;
export const WAYS = ['echo', 'later', 'burn'] as const;

/** Messages that are sent in one go, all alike. */
export interface Batch {
  readonly count: number;
  readonly way: (typeof WAYS)[number];
  /** How long each message is, about. */
  readonly letters: number;
  /** How long each reply is, about. */
  readonly wants: number;
  /** Sent in two parts, the first of this many bytes; 0: in one. */
  readonly cut: number;
  /** Nothing is read for so many ms. */
  readonly pause: number;
}

/** What a client does from when it comes to when it goes. */
export interface Visit {
  readonly batches: readonly Batch[];
  readonly end: (typeof ENDS)[number];
}

export interface Scenario {
  readonly kind: (typeof KINDS)[number];
  readonly transport: (typeof TRANSPORTS)[number];
  readonly framing: (typeof FRAMINGS)[number];
  readonly threads: string;
  /** How many clients there are at once. */
  readonly clients: number;
  /** Each client makes all of them, again and again, and begins with another one. */
  readonly visits: readonly Visit[];
  /** A thread is ended every so many ms; 0: none. */
  readonly killEvery: number;
  /** The service is loaded anew every so many ms; 0: never. */
  readonly reloadEvery: number;
}
