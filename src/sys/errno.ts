/** Names what a system call answered: a result below zero is an errno with its sign turned, as in the kernel's own ABI. */
import { constants } from 'node:os';
import { HeddleError, type HeddleErrorCode } from '../errors.ts';

const { errno } = constants;

export const EAGAIN = -errno.EAGAIN;
export const EINTR = -errno.EINTR;
export const EBADF = -errno.EBADF;
export const EFAULT = -errno.EFAULT;
export const EINPROGRESS = -errno.EINPROGRESS;
export const EINVAL = -errno.EINVAL;
export const EPERM = -errno.EPERM;
export const EMFILE = -errno.EMFILE;
export const ENFILE = -errno.ENFILE;
export const ENOBUFS = -errno.ENOBUFS;
export const ENOMEM = -errno.ENOMEM;
export const EADDRINUSE = -errno.EADDRINUSE;
export const EADDRNOTAVAIL = -errno.EADDRNOTAVAIL;
export const EACCES = -errno.EACCES;
export const EAFNOSUPPORT = -errno.EAFNOSUPPORT;
export const ECONNREFUSED = -errno.ECONNREFUSED;
export const ECONNRESET = -errno.ECONNRESET;
export const ENOENT = -errno.ENOENT;
export const EPIPE = -errno.EPIPE;
export const EPROTOTYPE = -errno.EPROTOTYPE;

// EAGAIN has a second name, EWOULDBLOCK: the first is the one that man pages use.
const NAMES = new Map<number, string>(Object.entries(errno).map(([name, value]) => [-value, name]));
NAMES.set(EAGAIN, 'EAGAIN');

/**
 * The negative result that Node calls `code`, such as `ECONNRESET`; `undefined` if it is not the system's. By name, since the
 * numbers in Node's errors are not the system's own everywhere.
 */
export function resultOf(code: string | undefined): number | undefined {
  const number = Object.entries(errno).find(([name]) => name === code)?.[1];
  return number === undefined ? undefined : -number;
}

/** Names a negative result, such as `EADDRINUSE`. */
export function errnoName(result: number): string {
  return NAMES.get(result) ?? `errno ${-result}`;
}

/** Makes the error for a system call that failed with `result` (below zero); `what` says what was being done. */
export function syscallError(code: HeddleErrorCode, syscall: string, result: number, what: string): HeddleError {
  const name = errnoName(result);
  const advice = result === EMFILE ? '. Raise the limit of open files with ulimit -n' : '';
  return new HeddleError(code, `${what}: ${syscall} failed with ${name}${advice}`, { errno: name, syscall });
}
