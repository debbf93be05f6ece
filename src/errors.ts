/** The one error class of Heddle, its stable codes, and how an error survives crossing a thread. */

/** What went wrong, by a name that does not change between versions. */
export type HeddleErrorCode =
  | 'HEDDLE_INVALID_OPTION'
  | 'HEDDLE_LISTEN'
  | 'HEDDLE_CONNECT'
  | 'HEDDLE_MESSAGE_TOO_LONG'
  | 'HEDDLE_BAD_FRAME'
  | 'HEDDLE_TIMEOUT'
  | 'HEDDLE_CLOSED'
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

/** Describes `error` as plain data; an error that is not Heddle's gets `code`. */
export function errorToRecord(error: unknown, code: HeddleErrorCode): ErrorRecord {
  if (error instanceof HeddleError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.stack !== undefined && { stack: error.stack }),
      ...(error.errno !== undefined && { errno: error.errno }),
      ...(error.syscall !== undefined && { syscall: error.syscall }),
    };
  }
  if (error instanceof Error) {
    return { code, message: error.message, ...(error.stack !== undefined && { stack: error.stack }) };
  }
  return { code, message: String(error) };
}

/** Makes the error that `record` describes; its stack is the one of the thread that it happened on. */
export function errorFromRecord(record: ErrorRecord): HeddleError {
  const error = new HeddleError(record.code, record.message, record);
  if (record.stack !== undefined) error.stack = record.stack;
  return error;
}
