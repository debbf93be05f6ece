/** Ends a session's wait for a message when its time is over, or a signal is aborted. */
import { inspect } from 'node:util';
import { HeddleError } from '../../errors.ts';
import { type Duration, formatDuration, MAX_DURATION_MS, parseDuration } from '../../options/values/duration.ts';

/** What `client.receive` can be told. */
export interface ReceiveOptions {
  /** How long to wait, in milliseconds or as text such as `30s`. Then it rejects with `HEDDLE_TIMEOUT`. */
  readonly timeout?: Duration | undefined;
  /** Ends the wait when it is aborted: then it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Receiving {
  receive(): Promise<unknown>;
  /** Whether the session still waits for `message`. */
  waitsFor(message: Promise<unknown>): boolean;
  /** Ends that wait with `error`: what has come of the message is kept for the next one. */
  giveUp(message: Promise<unknown>, error: unknown): void;
}

/** `client.receive(options)`. Errors of the options reject, as all others do. */
export async function receiveWithin(session: Receiving, options: ReceiveOptions): Promise<unknown> {
  const timeout = millisecondsOf(options.timeout);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid('signal', 'an AbortSignal', signal);
  signal?.throwIfAborted();
  const message = session.receive();
  if (!session.waitsFor(message)) return message;
  const abort = (): void => session.giveUp(message, signal?.reason);
  const timer = timeout === Infinity ? undefined : setTimeout(expire, timeout, session, message, timeout);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await message;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** What had arrived in time, while this thread was blocked, comes first: it is read within a turn of the loop. */
function expire(session: Receiving, message: Promise<unknown>, timeout: number): void {
  const error = new HeddleError('HEDDLE_TIMEOUT', `no message came within ${formatDuration(timeout)}`);
  setImmediate(() => setImmediate(() => session.giveUp(message, error)));
}

function millisecondsOf(timeout: Duration | undefined): number {
  if (timeout === undefined) return Infinity;
  const parsed = parseDuration(timeout);
  if (parsed !== undefined && (parsed <= MAX_DURATION_MS || parsed === Infinity)) return parsed;
  throw invalid('timeout', 'a duration such as 250ms, 30s or 5m', timeout);
}

function invalid(name: string, expected: string, given: unknown): HeddleError {
  return new HeddleError(
    'HEDDLE_INVALID_OPTION',
    `receive({ ${name} }): ${name} must be ${expected}, got ${inspect(given)}`,
  );
}
