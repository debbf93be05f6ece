/** Begins TLS with a client in the middle of its connection (STARTTLS). */
import { HeddleError } from '../../errors.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { ensureStack } from '../../sys/stack-room.ts';
import { refused } from '../bytes/send-queue.ts';
import type { ClientTls } from '../client.ts';
import { outputEnded } from '../end/ending.ts';
import { CLOSED, FINISHING, NO_OUTPUT, SECURING } from '../flags.ts';

/*
 * Bytes in plain text behind the request for TLS must never be read as if TLS had protected them: anybody on the way may have put them
 * there (CVE-2011-0411). Those that were read together with the request are here, and
 * refused. Those that were not read are left to the handshake, which fails on them.
 */

/** Takes the outcome of a handshake. */
export interface SecuringListener {
  secured(tls: ClientTls): void;
  failed(problem: string): void;
}

/** Begins the handshake with the client of `fd`, for which nothing waits any more. */
export type BeginHandshake = (fd: number, listener: SecuringListener) => void;

interface StartContext {
  /** Left out where TLS begins with the connection, or never. */
  readonly beginHandshake?: BeginHandshake | undefined;
}

interface SecuredConnection {
  readonly fd: number;
  readonly input: { readonly isTaken: boolean };
  readonly ending: { readonly reason: CloseReason; readonly detail: string | undefined } | undefined;
  tls: ClientTls | undefined;
  tlsStart: TlsStart | undefined;
  is(flags: number): boolean;
  set(flags: number): void;
  unset(flags: number): void;
  flushSoon(): void;
  resume(): void;
  finish(reason: CloseReason, detail?: string): void;
  closeNow(reason: CloseReason, detail?: string): void;
  closedError(): HeddleError;
}

/** `client.canStartTls`. */
export function canStartTls(connection: SecuredConnection, { beginHandshake }: StartContext): boolean {
  return beginHandshake !== undefined && connection.tls === undefined && !connection.is(SECURING);
}

/** `client.startTls`. */
export function startTls(connection: SecuredConnection, context: StartContext): Promise<ClientTls> {
  ensureStack();
  const { beginHandshake } = context;
  if (connection.is(FINISHING | CLOSED)) return refused(connection.closedError());
  if (connection.is(NO_OUTPUT)) return refused(outputEnded());
  if (beginHandshake === undefined || !canStartTls(connection, context))
    return refused(new HeddleError('HEDDLE_UNSUPPORTED', refusalOf(connection)));
  const start = new TlsStart(connection, beginHandshake);
  if (connection.input.isTaken) {
    connection.tlsStart = start;
    connection.set(SECURING);
  } else {
    connection.finish('tls-error', 'it sent bytes in plain text behind its request for TLS');
    start.closed();
  }
  connection.flushSoon();
  return start.promise;
}

function refusalOf({ tls }: SecuredConnection): string {
  if (tls !== undefined) return 'client.startTls(): TLS has begun with this client already; client.tls says so';
  return "client.startTls(): there is no TLS to start. Give the server the option tls with start: 'later', and call this once for a client";
}

/** The error for a message of which it is not certain whether it would go out in plain text. */
export function sentEarly(): HeddleError {
  const text = 'client.send() was called before client.startTls() has ended: await startTls first';
  return new HeddleError('HEDDLE_UNSUPPORTED', text);
}

/** TLS that is about to begin. */
export class TlsStart implements SecuringListener {
  readonly promise: Promise<ClientTls>;
  readonly #connection: SecuredConnection;
  readonly #beginHandshake: BeginHandshake;
  #resolve: (tls: ClientTls) => void = () => {};
  #reject: (error: HeddleError) => void = () => {};
  #hasBegun = false;

  constructor(connection: SecuredConnection, beginHandshake: BeginHandshake) {
    this.#connection = connection;
    this.#beginHandshake = beginHandshake;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => {}); // A session that does not await it learns of the end elsewhere.
  }

  /** All that was sent is with the socket. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#beginHandshake(this.#connection.fd, this);
  }

  secured(tls: ClientTls): void {
    const connection = this.#connection;
    if (connection.is(FINISHING | CLOSED)) return; // The promise is rejected when the connection is closed.
    connection.tls = tls;
    connection.tlsStart = undefined;
    connection.unset(SECURING);
    this.#resolve(tls);
    connection.flushSoon(); // `client.end` may have been called meanwhile.
    connection.resume();
  }

  failed(problem: string): void {
    const { ending } = this.#connection;
    if (ending === undefined) this.#connection.closeNow('tls-error', problem);
    else this.#connection.closeNow(ending.reason, ending.detail);
  }

  /** The connection is over. */
  closed(): void {
    this.#reject(this.#connection.closedError());
  }
}
