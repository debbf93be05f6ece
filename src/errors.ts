/** Defines the one error class of Heddle, its stable codes, and how an error survives crossing a thread. */
import { inspect } from 'node:util';

/** What went wrong, by a name that does not change between versions. */
export type HeddleErrorCode =
  | 'HEDDLE_INVALID_OPTION'
  | 'HEDDLE_LISTEN'
  | 'HEDDLE_CONNECT'
  | 'HEDDLE_MESSAGE_TOO_LONG'
  | 'HEDDLE_BAD_FRAME'
  | 'HEDDLE_TIMEOUT'
  | 'HEDDLE_CLOSED'
  | 'HEDDLE_TOO_MUCH_STATE'
  | 'HEDDLE_SERVICE_LOAD'
  | 'HEDDLE_SERVICE_ERROR'
  | 'HEDDLE_THREAD_EXIT'
  | 'HEDDLE_UNSUPPORTED';

export interface HeddleErrorDetails {
  /** What caused this error: an error of the service, of Node, or of another Heddle layer. */
  readonly cause?: unknown;
  /** The kernel's error by name, such as `EADDRINUSE`, where a system call failed. */
  readonly errno?: string;
  /** The system call that failed, such as `bind`. */
  readonly syscall?: string;
}

/**
 * Every error that Heddle reports to a user is one of these: `code` is for programs, `message` for people
 * (what happened, where, and what to do).
 */
export class HeddleError extends Error {
  readonly code: HeddleErrorCode;
  readonly errno?: string;
  readonly syscall?: string;

  constructor(code: HeddleErrorCode, message: string, details: HeddleErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'HeddleError';
    this.code = code;
    if (details.errno !== undefined) this.errno = details.errno;
    if (details.syscall !== undefined) this.syscall = details.syscall;
  }
}

/** An error as plain data, for `postMessage`: structured cloning would drop `code` and the class. */
export interface ErrorRecord {
  readonly code: HeddleErrorCode;
  readonly message: string;
  readonly stack?: string;
  readonly errno?: string;
  readonly syscall?: string;
}

/** The longest text of a record, in characters: what a service throws may be as long as it likes. */
const LONGEST_TEXT = 16 * 1024;
/** How many causes are told of: an error may be its own. */
const MOST_CAUSES = 4;

/** Describes whatever was thrown as plain data, with its causes; what is not Heddle's own gets `code`. Never throws. */
export function errorToRecord(error: unknown, code: HeddleErrorCode): ErrorRecord {
  try {
    return describe(error, code);
  } catch {
    return { code, message: 'what was thrown cannot be described: reading it throws as well' };
  }
}

function describe(error: unknown, code: HeddleErrorCode): ErrorRecord {
  if (!(error instanceof Error)) return { code, message: toText(error) };
  const stack = stackOf(error, MOST_CAUSES);
  const record = { code, message: toText(error.message), ...(stack !== undefined && { stack }) };
  if (!(error instanceof HeddleError)) return record;
  return {
    ...record,
    code: error.code,
    ...(error.errno !== undefined && { errno: error.errno }),
    ...(error.syscall !== undefined && { syscall: error.syscall }),
  };
}

function stackOf(error: Error, causes: number): string | undefined {
  if (typeof error.stack !== 'string' || error.stack === '') return undefined;
  const own = toText(error.stack);
  const { cause } = error;
  if (cause === undefined || causes === 0) return own;
  const its = cause instanceof Error ? (stackOf(cause, causes - 1) ?? toText(cause.message)) : toText(cause);
  return `${own}\nCaused by: ${its}`;
}

/** Nobody promises that a message is a string, nor that it is short. */
function toText(value: unknown): string {
  const text = typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity });
  const surplus = text.length - LONGEST_TEXT;
  return surplus <= 0 ? text : `${text.slice(0, LONGEST_TEXT)}… (${surplus} characters more)`;
}

/** Makes the error that `record` describes; its stack is the one of the thread that it happened on. */
export function errorFromRecord(record: ErrorRecord): HeddleError {
  const error = new HeddleError(record.code, record.message, record);
  if (record.stack !== undefined) error.stack = record.stack;
  return error;
}

/** Ends this thread with `error`, as an error does that nobody catches: for the end of a promise that nobody awaits. */
export function crash(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

/** What `value` is, in words for an error: `null`, `number`, or the name of its class. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
