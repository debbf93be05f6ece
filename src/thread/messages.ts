/** Defines the messages between a service thread and main. */
import type { MessagePort } from 'node:worker_threads';
import type { ErrorRecord } from '../errors.ts';
import type { ThreadSettings } from '../options/thread-settings.ts';
import type { Credentials } from '../options/tls/credentials.ts';
import type { PackedValues } from '../sharing/shared-values.ts';

/** The memory that all threads of a server share. */
export interface SharedBuffers {
  readonly table: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  readonly arena: SharedArrayBuffer;
  /** Where events go. */
  readonly events: SharedArrayBuffer;
  /** Where clients are counted by address; `undefined` where only the acceptor does so, for itself, or nobody. */
  readonly addresses: SharedArrayBuffer | undefined;
  /** Where messages are counted against the rate; `undefined` where there is none. */
  readonly rates: SharedArrayBuffer | undefined;
}

/** What a service thread of any engine is started with. */
export interface ThreadStart {
  /** The index of its row on the board. */
  readonly thread: number;
  readonly memory: SharedBuffers;
  readonly settings: ThreadSettings;
  /** The URL of the service's module. */
  readonly service: string;
  /** What main knows that the service needs: the settings are as it says. */
  readonly needs: object;
  /** What clients are shown under TLS; `undefined` without it. */
  readonly tls: Credentials | undefined;
  readonly shared: PackedValues;
  /** Which events somebody wants: to tell of each client costs something. */
  readonly reports: 'all' | 'errors';
}

/** What a thread is started with that only loads the service, to find out whether it can be used. */
export type TrialStart = Pick<ThreadStart, 'thread' | 'settings' | 'service' | 'needs'> & { readonly isTrial: true };

/** What a service thread of the epoll engine is started with. */
export interface EpollThreadStart extends ThreadStart {
  /** The acceptor's epoll set, which watches this thread while it is parked. */
  readonly acceptorEpollFd: number;
  /** The acceptor's eventfd: a signal makes it look at the threads. */
  readonly mailboxFd: number;
}

/**
 * `drain`: answer what has arrived, then close all clients. `stop`: run the service's `stop`, and end. `ticket-keys`: seal
 * TLS session tickets with `keys` from now on. `leave`: ask sessions and streams to leave; `stay`: no more of those to come.
 */
export type ToThread =
  | { readonly type: 'drain' | 'stop' | 'leave' | 'stay' }
  | { readonly type: 'ticket-keys'; readonly keys: Uint8Array };

/**
 * `loaded`: from now on the thread may be ended from outside; Node aborts if that happens while it loads native code.
 * `failed`: with `needs`, since main did not know of these. `ready`: it serves; in the net engine `clients` is where it takes them.
 */
export type FromThread =
  | { readonly type: 'loaded' }
  | { readonly type: 'ready'; readonly clients?: MessagePort }
  | { readonly type: 'failed'; readonly error: ErrorRecord; readonly needs?: object }
  | { readonly type: 'drained' };
