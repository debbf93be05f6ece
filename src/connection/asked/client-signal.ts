/** Tells a service by an AbortSignal that its client goes, also while the service works and nothing is read from the client. */
import { HeddleError } from '../../errors.ts';
import { callContext } from '../call-context.ts';
import { CLOSED, ENDED, GOING, SIGNALS } from '../flags.ts';
import { type CalledConnection, takeSlot } from './take-slot.ts';

/** A connection whose service may ask for its signal. */
export interface SignallingConnection extends CalledConnection {
  set(flags: number): void;
  unset(flags: number): void;
  closedError(): HeddleError;
}

/** The signals of a thread's clients. Only those that a service has asked for are made. */
export class ClientSignals {
  /** By connection. */
  readonly #controllers = new Map<object, AbortController>();
  readonly #tellsOfLeaving: boolean;
  #isLeaving = false;

  /** `tellsOfLeaving`: they also fire when the thread is to end. It waits for handlers, which would lose their replies. */
  constructor(tellsOfLeaving: boolean) {
    this.#tellsOfLeaving = tellsOfLeaving;
  }

  /**
   * `client.signal`. It lasts for as long as the client stays with this thread.
   *
   * Errors: `HEDDLE_CLOSED` if the client is another thread's, or gone from it.
   */
  of(connection: SignallingConnection): AbortSignal {
    const known = this.#controllers.get(connection);
    if (known !== undefined) return known.signal;
    if (!takeSlot(connection)) return AbortSignal.abort(connection.closedError());
    const controller = new AbortController();
    this.#controllers.set(connection, controller);
    connection.set(SIGNALS);
    if (connection.is(ENDED | GOING)) controller.abort(hasFinished());
    else if (this.#isLeaving && this.#tellsOfLeaving) controller.abort(isLeaving());
    return controller.signal;
  }

  /** The client has shut down its side, or is gone. */
  going(connection: SignallingConnection): void {
    this.#fire(this.#controllers.get(connection), hasFinished);
  }

  /** The connection is closed. */
  closed(connection: SignallingConnection): void {
    this.#fire(this.#controllers.get(connection), () => connection.closedError());
    this.forget(connection);
  }

  /** The client may be on another thread from now on, or has left. */
  forget(connection: Pick<SignallingConnection, 'unset'>): void {
    connection.unset(SIGNALS);
    this.#controllers.delete(connection);
  }

  /** The thread is to end. */
  leave(): void {
    this.#isLeaving = true;
    if (!this.#tellsOfLeaving) return;
    for (const controller of this.#controllers.values()) this.#fire(controller, isLeaving);
  }

  /** The thread is to stay after all. */
  stay(): void {
    this.#isLeaving = false;
  }

  /** Whether `error` is what a service threw since the signal of its client has fired. */
  isReason(connection: SignallingConnection, error: unknown): boolean {
    const signal = this.#controllers.get(connection)?.signal;
    if (signal?.aborted !== true || !(error instanceof Error)) return false;
    return error === signal.reason || error.cause === signal.reason;
  }

  #fire(controller: AbortController | undefined, reason: () => HeddleError): void {
    if (controller === undefined || controller.signal.aborted) return;
    callContext.run(() => controller.abort(reason()));
  }
}

/** Fires the signal of a connection whose client has been found to go, if there is one. The connection has settled. */
export function signalGoing(connection: SignallingConnection, signals: ClientSignals): void {
  if (connection.is(SIGNALS) && !connection.is(CLOSED)) signals.going(connection);
}

function hasFinished(): HeddleError {
  return new HeddleError('HEDDLE_CLOSED', 'the client has shut down its side of the connection, or is gone');
}

function isLeaving(): HeddleError {
  return new HeddleError('HEDDLE_CLOSED', 'the thread is to end: finish what is under way and close the client');
}
