/** Says what a connection needs of the thread that it is on. One per thread; everything here belongs to that thread alone. */
import type { Poller } from '../reactor/poller.ts';
import type { CloseReason } from '../sharing/close-reason.ts';
import type { ClientSignals } from './asked/client-signal.ts';
import type { Client, ClientTls } from './client.ts';
import type { Closer } from './end/close.ts';
import type { EndingContext } from './end/ending.ts';
import type { LeaseContext } from './lease.ts';
import type { OutputContext } from './output.ts';
import type { BeginHandshake } from './asked/start-tls.ts';
import type { SocketCalls } from './sockets.ts';
import type { ServedConnection, Strategy, StrategyContext } from './strategy.ts';

/** A connection as its thread calls it back. */
export interface CalledBack extends Client<unknown, unknown> {
  readonly fd: number;
  goOn(): void;
  flushNow(): void;
  checkLinger(): void;
}

/** The limits of a server that a connection asks for; in bytes and ms. */
export interface ConnectionSettings {
  /** How many bytes may wait to be sent to one client. */
  readonly maxUnsent: number;
  /** How long a message may be. */
  readonly maxMessageLength: number;
  /** How many bytes a service may keep with one client. */
  readonly maxClientState: number;
  /** How long a client may take nothing of what was sent to it. */
  readonly sendTimeout: number;
  /** How long clients may keep others of their thread waiting. */
  readonly moveAfter: number;
}

export interface ThreadContext extends EndingContext, LeaseContext, OutputContext, StrategyContext {
  readonly settings: ConnectionSettings;
  readonly sys: SocketCalls;
  readonly poller: Pick<Poller, 'modify'>;
  readonly closer: Closer;
  /** The signals that the service has asked for. */
  readonly signals: ClientSignals;
  time: number;

  /** Makes the way in which the service takes the client's messages. */
  makeStrategy(connection: ServedConnection): Strategy;
  /** Whether `bytes` are too much to be kept for one client now. */
  isSurplus(bytes: number): boolean;
  /** Lets the client of `fd` be idle for `timeout` ms. */
  mayIdle(fd: number, timeout: number): void;
  /** Has `connection.goOn` called when others have had their turn. */
  goOnSoon(connection: CalledBack): void;
  /** Whether what the client of `fd` sends has ended under TLS without its own word for it: somebody else may have cut it. */
  isCutShort(fd: number): boolean;
  /** What TLS has found out about the client of `fd`; `undefined` without TLS. */
  tlsOf(fd: number): ClientTls | undefined;
  /** Begins TLS with a client; left out where it begins with the connection, or never. */
  readonly beginHandshake: BeginHandshake | undefined;
  /** Flushes this connection once the running callbacks are done, so that what they send goes out in one write. */
  flushSoon(connection: CalledBack): void;
  /** Has `checkLinger` called a moment from now. */
  lingers(connection: CalledBack): void;
  /** Reports an error that the service threw. */
  serviceFailed(connection: CalledBack, error: unknown): void;
  /** Forgets this connection, whose end was reported, and runs the service's `close`; its slot is still its own. */
  closed(connection: CalledBack, reason: CloseReason): void;
}
