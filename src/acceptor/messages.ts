/** What the acceptor and main say to each other. */

/** What the acceptor is started with. */
export interface AcceptorStart {
  readonly table: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  /** Where events go; `undefined` if nobody listens. */
  readonly events: SharedArrayBuffer | undefined;
  readonly epollFd: number;
  /** An eventfd: main signals it when there is a message, or when the process ends. */
  readonly mailboxFd: number;
  /** Listening sockets. */
  readonly listeners: readonly number[];
  readonly placement: 'least-busy' | 'least-clients' | 'round-robin';
}

/**
 * `thread`: a service thread takes clients from now on, or is gone for good. `drain`: accept what waits, then close the
 * listeners. `stop`: end.
 */
export type ToAcceptor =
  | { readonly type: 'thread-ready'; readonly thread: number }
  | { readonly type: 'thread-gone'; readonly thread: number }
  | { readonly type: 'drain' }
  | { readonly type: 'stop' };

export type FromAcceptor = { readonly type: 'ready' } | { readonly type: 'drained' };
