/** Leads a connection to its end: keeps the reason, tells the client that all is sent, and lingers until nothing can be lost. */
import { HeddleError } from '../../errors.ts';
import type { CloseReason } from '../../sharing/close-reason.ts';
import { SHUT_WR } from '../../sys/constants.ts';
import { EAGAIN, errnoName } from '../../sys/errno.ts';
import type { NativeBuffer } from '../../sys/structs/native-buffer.ts';
import { ENDED, LINGERING, OUTPUT_ENDED } from '../flags.ts';
import type { Input } from '../input.ts';
import { Linger, unreadText } from './linger.ts';
import type { SocketCalls } from '../sockets.ts';

/** Reads in a row from a client that goes on sending, before others get their turn. */
const READS = 16;

/** What an ending needs of its thread. */
export interface EndingContext {
  readonly sys: Pick<SocketCalls, 'recv' | 'shutdown'>;
  /** Where reads go. */
  readonly input: NativeBuffer;
  readonly time: number;
  readonly settings: { readonly sendTimeout: number };
}

/** A connection as its ending sees it. */
export interface EndingConnection {
  readonly fd: number;
  readonly input: Input;
  /** How many bytes the client has yet to take. */
  readonly unsent: number;
  is(flags: number): boolean;
  set(flags: number): void;
  /** Closes at once. */
  closeNow(reason: CloseReason, detail?: string): void;
  /** Closes at once a client that does not read: what waits for it in the kernel is dropped. */
  cutOff(reason: CloseReason, detail: string): void;
  sendFailed(errno: number): void;
  /** Has `check` called a moment from now. */
  checkSoon(): void;
}

export class Ending {
  reason: CloseReason;
  detail: string | undefined;
  readonly #context: EndingContext;
  readonly #connection: EndingConnection;
  #error: HeddleError | undefined = undefined;
  /** Since the connection is `LINGERING`. */
  #linger: Linger | undefined = undefined;

  constructor(context: EndingContext, connection: EndingConnection, reason: CloseReason, detail: string | undefined) {
    this.#context = context;
    this.#connection = connection;
    this.reason = reason;
    this.detail = detail;
  }

  /**
   * The error that calls on this connection end with; one object, so that it is known when the service lets it through. Made only
   * for a call: its stack costs several microseconds.
   */
  get error(): HeddleError {
    this.#error ??= new HeddleError('HEDDLE_CLOSED', `the client is gone: ${this.reason}`);
    return this.#error;
  }

  /** Whether the service has let that error through. */
  hasThrown(error: unknown): boolean {
    return error !== undefined && error === this.#error;
  }

  /** All is sent: tells the client, and lingers until nothing of it can be lost any more (see `Linger`). */
  shutDown(): void {
    const { sys, time, settings } = this.#context;
    const connection = this.#connection;
    if (connection.is(LINGERING)) return;
    if (connection.is(ENDED) && connection.unsent === 0) return this.#end();
    const result = connection.is(OUTPUT_ENDED) ? 0 : sys.shutdown(connection.fd, SHUT_WR);
    // ENOTCONN: the client has reset the connection. It takes nothing any more, and no event may be left that would tell of it.
    if (result < 0) return connection.sendFailed(result);
    connection.set(LINGERING);
    this.#linger = new Linger(time, connection.unsent, settings.sendTimeout);
    connection.checkSoon();
    if (connection.input.isUnread) this.discard();
  }

  /** Drops what the client goes on sending. */
  discard(): void {
    const { sys, input, time } = this.#context;
    for (let reads = 0; reads < READS; reads++) {
      const received = sys.recv(this.#connection.fd, input, 0, input.size);
      if (received <= 0) return this.#discarded(received);
      this.#linger?.heard(time);
    }
  }

  /** Ends a lingering connection if nothing can be lost any more, or its client takes nothing; if not, this is called again. */
  check(): void {
    const linger = this.#linger;
    const connection = this.#connection;
    if (linger === undefined) return;
    const state = linger.look(this.#context.time, connection.unsent);
    if (state === 'stuck') connection.cutOff('send-timeout', unreadText(linger.unsent));
    else if (state === 'done' || (connection.is(ENDED) && linger.unsent === 0)) this.#end();
    else connection.checkSoon();
  }

  /** There is no more to drop: the last read gave `received`. */
  #discarded(received: number): void {
    const connection = this.#connection;
    connection.input.noteAllRead();
    if (received === EAGAIN) return;
    const { unsent } = connection; // The kernel knows it after a reset as well.
    if (unsent === 0) return this.#end();
    if (received < 0) connection.closeNow('client-reset', `${errnoName(received)}, ${unsent} bytes were not taken`);
    else connection.set(ENDED);
  }

  #end(): void {
    this.#connection.closeNow(this.reason, this.detail);
  }
}

/** The error for a call that comes when the client is another thread's, or no thread's any more. */
export function goneError({ ending }: { readonly ending: Ending | undefined }): HeddleError {
  const reason = ending?.reason ?? 'it was closed or has moved to another thread';
  return new HeddleError('HEDDLE_CLOSED', `the client is gone: ${reason}`);
}

/** The error for what is sent after `client.end`. */
export function outputEnded(): HeddleError {
  const text =
    'Nothing can be sent after client.end(), which has ended this side of the connection: send it before, or do not reply';
  return new HeddleError('HEDDLE_CLOSED', text);
}
