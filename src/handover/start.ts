/** Says what a hand-over is started with: what the next process gets, and what there is of the one before. */

/** What is handed over beside clients. */
export interface Offer {
  /** The listening socket that a successor connects to. */
  readonly controlFd: number;
  readonly listeners: readonly { readonly fd: number; readonly isShared: boolean }[];
  /** Clients speak TLS: they stay. */
  readonly tls: boolean;
}

/** The process before this one. */
export interface Source {
  /** The connection to the process that is succeeded. */
  readonly channelFd: number;
  readonly pid: number;
  /** Its clients can be taken. */
  readonly takesClients: boolean;
}

/** What main is told of a hand-over: see `FromAcceptor`. */
export type HandoverNotice =
  | { readonly type: 'succeeded' | 'successor-lost'; readonly pid: number }
  | { readonly type: 'accepting' };
