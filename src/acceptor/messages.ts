/** Defines the messages between the acceptor and main. */

import type { MessagePort } from 'node:worker_threads';
import type { HandoverNotice, Offer, Source } from '../handover/start.ts';
import type { ThreadSettings } from '../options/thread-settings.ts';
import type { SharedBuffers } from '../thread/messages.ts';
import type { SupervisorNotice } from '../supervisor/supervisor.ts';

/** What the acceptor of any engine is started with. */
export interface AcceptorStart {
  readonly memory: SharedBuffers;
  readonly counters: SharedArrayBuffer;
  /** Whether somebody wants events that are no errors. */
  readonly reports: boolean;
  readonly settings: ThreadSettings;
}

/** What the acceptor of the epoll engine is started with. */
export interface EpollAcceptorStart extends AcceptorStart {
  readonly epollFd: number;
  /** An eventfd: main signals it when there is a message, or when the process ends. */
  readonly mailboxFd: number;
  /** Two ints: the first is 1 when the process ends, and the acceptor is then not to wait again; the second when it has ended. */
  readonly exiting: SharedArrayBuffer;
  readonly listeners: readonly { readonly fd: number; readonly isShared: boolean }[];
  /** What a successor gets; `undefined`: there can be none. */
  readonly offer: Offer | undefined;
  /** What there is of the process before this one; `undefined`: there was none. */
  readonly source: Source | undefined;
}

/** What the acceptor of the net engine is started with. */
export interface NetAcceptorStart extends AcceptorStart {
  /** Listening sockets: see `net/listeners.ts`. */
  readonly listeners: readonly ParkedListener[];
}

/**
 * A listening socket of Node's that nobody accepts from: its `net.Server` is a message from `outside` to `inside` that
 * was not taken. Clients that connect wait in the kernel.
 */
export interface ParkedListener {
  readonly inside: MessagePort;
  readonly outside: MessagePort;
  readonly backlog: number;
}

/** A client that the operator has closed, by its slot and its number. */
export interface KickedClient {
  readonly fd: number;
  readonly id: number;
}

/**
 * `thread-ready`: a service thread takes clients from now on; `clients` is where, in the net engine. `thread-retire`: `threads` shall give them
 * away, to none of themselves, and end.
 * `thread-lost`: it was told to end and does not. `thread-gone`: it has ended; `hasDied`: nobody had told it to. `drain`: accept what waits, then close the listeners. `ping`: say
 * `pong`. `kick`: have these clients closed. `succeed`, in the epoll engine: take the place of the process before this one, all threads are ready. `stop`: end.
 */
export type ToAcceptor =
  | { readonly type: 'thread-ready'; readonly thread: number; readonly clients?: MessagePort | undefined }
  | { readonly type: 'thread-retire'; readonly threads: readonly number[] }
  | { readonly type: 'thread-lost'; readonly thread: number }
  | { readonly type: 'thread-gone'; readonly thread: number; readonly hasDied?: boolean }
  | { readonly type: 'drain' | 'ping' | 'succeed' }
  | { readonly type: 'kick'; readonly clients: readonly KickedClient[] }
  | { readonly type: 'stop' };

/**
 * `want-threads`: this many service threads are needed. `thread-empty`: a retiring thread has no client any more.
 * `thread-retires`: a thread gets no more clients, those that it has should leave; `flow`: who had come and gone before.
 * `thread-demoted`: its priority is lowered for good, another is to take its place. `thread-overdue`: it is blocked for too long, and is to end; `detail` says why. `thread-cleared`: what a thread that is gone had is dealt with, its
 * row may be used again. `drained`: the listeners are closed. `pong`: the acceptor is alive; for `blockedMs`, no thread has taken a turn. `accepting`:
 * this process has taken the place of the one before. Of hand-overs see `HandoverNotice`.
 */
export type FromAcceptor =
  | SupervisorNotice
  | HandoverNotice
  | { readonly type: 'pong'; readonly blockedMs: number }
  | { readonly type: 'drained' };
