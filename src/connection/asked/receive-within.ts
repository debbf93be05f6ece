/** Ends a session's wait, for a message or for bytes, when its time is over, or a signal is aborted. */
import { inspect } from 'node:util';
import { HeddleError } from '../../errors.ts';
import { type Duration, formatDuration, MAX_DURATION_MS, parseDuration } from '../../options/values/duration.ts';

/** What `client.receive`, `read`, `readUntil` and `body` can be told. */
export interface ReceiveOptions {
  /** How long to wait, in milliseconds or as text such as `30s`. Then it rejects with `HEDDLE_TIMEOUT`. */
  readonly timeout?: Duration | undefined;
  /** Ends the wait when it is aborted: then it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** When a wait ends, whether anything has come or not. */
export interface WaitLimits {
  /** In ms; Infinity: never. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** What is waited for, for errors. */
  readonly awaited: string;
}

interface Waiting {
  /** Whether the session still waits for `message`. */
  waitsFor(message: Promise<unknown>): boolean;
  /** Ends that wait with `error`: what has come of the message is kept for the next one. */
  giveUp(message: Promise<unknown>, error: unknown): void;
}

/** Begins to wait with `begin`, and ends the wait when `limits` say so. */
export async function waitWithin(
  session: Waiting,
  { timeout, signal, awaited }: WaitLimits,
  begin: () => Promise<unknown>,
): Promise<unknown> {
  signal?.throwIfAborted();
  const message = begin();
  if (!session.waitsFor(message)) return message;
  const abort = (): void => session.giveUp(message, signal?.reason);
  const expire = (): void => session.giveUp(message, timedOut(awaited, timeout));
  const timer = timeout === Infinity ? undefined : setTimeout(lookOnceMore, timeout, expire);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await message;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** What had arrived in time, while this thread was blocked, comes first: it is read within a turn of the loop. */
function lookOnceMore(expire: () => void): void {
  setImmediate(() => setImmediate(expire));
}

function timedOut(awaited: string, timeout: number): HeddleError {
  return new HeddleError('HEDDLE_TIMEOUT', `no ${awaited} came within ${formatDuration(timeout)}`);
}

/** Reads the options of `call`, which waits for what is `awaited`. Errors: `HEDDLE_INVALID_OPTION`. */
export function waitLimits(call: string, awaited: string, { timeout, signal }: ReceiveOptions): WaitLimits {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid(call, 'signal', 'an AbortSignal', signal);
  return { timeout: millisecondsOf(call, timeout), signal, awaited };
}

function millisecondsOf(call: string, timeout: Duration | undefined): number {
  if (timeout === undefined) return Infinity;
  const parsed = parseDuration(timeout);
  if (parsed !== undefined && (parsed <= MAX_DURATION_MS || parsed === Infinity)) return parsed;
  throw invalid(call, 'timeout', 'a duration such as 250ms, 30s or 5m', timeout);
}

function invalid(call: string, name: string, expected: string, given: unknown): HeddleError {
  const text = `${call}({ ${name} }): ${name} must be ${expected}, got ${inspect(given)}`;
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
