/** Defines the events that any thread reports: plain data, so that they survive `postMessage`. */

import type { RejectReason } from '../sharing/acceptor-counters.ts';
import type { CloseReason } from '../sharing/close-reason.ts';

/** An error as an event carries it: `code` is for programs, `message` and `stack` for people. */
export interface EventError {
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
}

interface Happened {
  /** When it happened, in milliseconds since 1970. */
  readonly time: number;
}

interface OfClient extends Happened {
  /** The connection's number: no two connections of one server have the same. */
  readonly client: number;
  /** The client's IP address; `unix` for a client of a Unix socket. */
  readonly address: string;
  /** The client's port; 0 for a client of a Unix socket. */
  readonly port: number;
  /** The thread that serves the client, from 1. */
  readonly thread: number;
}

/** A client was accepted and placed on a thread. */
export interface OpenEvent extends OfClient {
  readonly type: 'open';
}

/** A client is gone, for exactly one reason. */
export interface CloseEvent extends OfClient {
  readonly type: 'close';
  readonly reason: CloseReason;
  /** What was wrong in particular, such as the limit that was passed. */
  readonly detail?: string;
}

/** The service threw; only the client that it was serving is closed. */
export interface ServiceErrorEvent extends OfClient {
  readonly type: 'service-error';
  readonly error: EventError;
}

/** A service thread serves. */
export interface ThreadStartEvent extends Happened {
  readonly type: 'thread-start';
  readonly thread: number;
}

/** A service thread is gone. `cause` is a short name, `detail` says more. */
export interface ThreadExitEvent extends Happened {
  readonly type: 'thread-exit';
  readonly thread: number;
  readonly cause: string;
  readonly detail: string;
}

/** A thread was told to end and does not: it is in a system call. Another one takes its place. */
export interface ThreadLostEvent extends Happened {
  readonly type: 'thread-lost';
  readonly thread: number;
}

/**
 * The system starts no more threads; `threads` serve, and the server tries again until more can be started. Reported at most once a
 * minute. `detail` names the limit.
 */
export interface ThreadsLimitedEvent extends Happened {
  readonly type: 'threads-limited';
  readonly threads: number;
  readonly detail: string;
}

/** A thread is, or was, blocked; the client that it serves is named where it is known. */
interface OfBlock extends Happened {
  readonly thread: number;
  /** The function and line that blocks the thread, or did, where that is known. */
  readonly code?: string;
  readonly client?: number;
  readonly address?: string;
  readonly port?: number;
}

/** A handler blocked its thread for too long. */
export interface ThreadOverdueEvent extends OfBlock {
  readonly type: 'thread-overdue';
  readonly blockedMs: number;
}

/**
 * A message, or other code of the service, has blocked a thread for 300 ms, and goes on. Of such blocks one in 10 s is reported; a
 * `turn` follows when it is over.
 */
export interface ThreadBlockedEvent extends OfBlock {
  readonly type: 'thread-blocked';
  readonly blockedMs: number;
}

/**
 * A message, or other code of the service, blocked a thread for 300 ms or longer. Reported every 10 s at most; `hidden` says how
 * many more there were since the last report.
 */
export interface TurnEvent extends OfBlock {
  readonly type: 'turn';
  readonly blockedMs: number;
  /** How many other clients have left the thread meanwhile, and how soon; left out where there was none. */
  readonly moved?: number;
  readonly reliefMs?: number;
  readonly hidden?: number;
}

/**
 * A message has blocked the only thread that there may be (`threads: 1`) for 20 ms while other clients waited: with one thread
 * nobody can serve them meanwhile. Reported once. The client is named where it is known.
 */
export interface OnlyThreadBlockedEvent extends Happened {
  readonly type: 'only-thread-blocked';
  /** How many clients the server has beside the one that it serves. */
  readonly waiting: number;
  readonly client?: number;
  readonly address?: string;
  readonly port?: number;
}

/**
 * No client is accepted for now: the system gives no more of what `cause` names (such as `EMFILE`), or there are as many
 * clients as there may be (`max-clients`). Reported once a minute at most for each cause; `stats().acceptPauses` has all.
 */
export interface AcceptPausedEvent extends Happened {
  readonly type: 'accept-paused';
  readonly cause: string;
}

/** A client was closed as soon as it was accepted; it has no number, and no thread has seen it. */
export interface RejectEvent extends Happened {
  readonly type: 'reject';
  readonly address: string;
  readonly port: number;
  readonly reason: RejectReason;
}

/** Beside those reported, `count` clients were turned away in the last second or so. */
export interface RejectsHiddenEvent extends Happened {
  readonly type: 'rejects-hidden';
  readonly count: number;
}

/** `count` events were dropped, because they came faster than they were taken. */
export interface EventsLostEvent extends Happened {
  readonly type: 'events-lost';
  readonly count: number;
}

/**
 * A thread does not give back a lock of Heddle's own, on the memory that `what` names. The server goes on without that memory:
 * clients with part of a message (`messages`) no longer move, new clients are not counted by address (`addresses`).
 */
export interface LockStuckEvent extends Happened {
  readonly type: 'lock-stuck';
  readonly what: 'messages' | 'addresses';
}

/** Clients will refuse a certificate of the server, or the server those of its clients. */
export interface CertificateExpiredEvent extends Happened {
  readonly type: 'certificate-expired';
  /** The option that it was given by, with its file. */
  readonly certificate: string;
  /** When it expired, such as `Nov 22 16:54:48 2026 GMT`. */
  readonly expired: string;
}

/** New code serves, on `threads` new threads. */
export interface ReloadEvent extends Happened {
  readonly type: 'reload';
  readonly threads: number;
}

/** The server leaves: its state is `draining`. It accepts clients for `acceptsMs` more, then answers what has arrived, and ends. */
export interface DrainEvent extends Happened {
  readonly type: 'drain';
  readonly acceptsMs: number;
}

/** New code could not be loaded; the old code goes on. */
export interface ReloadFailedEvent extends Happened {
  readonly type: 'reload-failed';
  readonly error: EventError;
}

/** What became of a deploy: new code by a reload, or a new process by a take-over. Reported once all old threads, or the old process, have ended. */
export interface DeployEvent extends Deploy {
  readonly type: 'deploy';
}

/**
 * The account of a deploy. `clients` were there as it began; `moved` of them went to the new threads or process, `stayed` until they left, and
 * `dropped` were cut off because their thread or process ended. Each number is counted by whoever does it, `clients` by nobody of these.
 */
export interface Deploy extends Happened {
  readonly kind: 'reload' | 'take-over';
  readonly result: 'success' | 'failure';
  /** How long it took, until the last of the old had ended. */
  readonly ms: number;
  /** How many threads have the new code. */
  readonly threads: number;
  /** Left out if the deploy has failed, or if the old process has not told how many there were. */
  readonly clients?: number;
  readonly moved?: number;
  readonly stayed?: number;
  readonly dropped?: number;
  /** Why it has failed, or what is not known. */
  readonly detail?: string;
}

/** Another process, `successor`, accepts clients from now on, and is handed those that are here. */
export interface HandingOverEvent extends Happened {
  readonly type: 'handing-over';
  readonly successor: number;
}

/** The process `successor` has taken `clients` clients; this one ends. */
export interface HandedOverEvent extends Happened {
  readonly type: 'handed-over';
  readonly successor: number;
  readonly clients: number;
}

/** The process `successor` has ended before it had taken all clients; this one accepts clients again. */
export interface HandOverFailedEvent extends Happened {
  readonly type: 'hand-over-failed';
  readonly successor: number;
}

/**
 * After a hand-over, the server cannot open its control socket or its port for metrics again: nobody can ask it. Clients are served as
 * before.
 */
export interface NotOpenedEvent extends Happened {
  readonly type: 'not-opened';
  readonly what: 'control' | 'metrics';
  readonly error: EventError;
}

/** `clients` clients were taken over from the process `predecessor`, which has ended. */
export interface TakenOverEvent extends Happened {
  readonly type: 'taken-over';
  readonly predecessor: number;
  readonly clients: number;
}

/** Everything that a server reports while it runs. */
export type ServerEvent =
  | OpenEvent
  | CloseEvent
  | ServiceErrorEvent
  | ThreadStartEvent
  | ThreadExitEvent
  | ThreadOverdueEvent
  | ThreadLostEvent
  | ThreadBlockedEvent
  | TurnEvent
  | ThreadsLimitedEvent
  | OnlyThreadBlockedEvent
  | AcceptPausedEvent
  | RejectEvent
  | RejectsHiddenEvent
  | EventsLostEvent
  | LockStuckEvent
  | CertificateExpiredEvent
  | ReloadEvent
  | ReloadFailedEvent
  | DeployEvent
  | HandingOverEvent
  | HandedOverEvent
  | HandOverFailedEvent
  | NotOpenedEvent
  | TakenOverEvent
  | DrainEvent;
