/** Makes times of different threads comparable: `performance.now()` counts from each thread's own start. */

/** What to add to this thread's `performance.now()` for the monotonic clock that all threads share, in ms. */
const OFFSET = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now();

/**
 * A moment as 32 bits of shared memory: whole milliseconds of the shared clock, modulo 2^32. `now`: this thread's
 * `performance.now()`. Never 0, which means that there is no such moment.
 */
export function sharedTime(now: number): number {
  return (now + OFFSET) | 0 || 1;
}

/** The same in tenths of a millisecond, for moments less than 2.4 days apart. */
export function sharedTenths(now: number): number {
  return ((now + OFFSET) * 10) | 0 || 1;
}

/** When `tenths`, a `sharedTenths`, was, in ms of the clock of which `now` is the time. */
export function localTime(tenths: number, now: number): number {
  return now - elapsed(tenths, sharedTenths(now)) / 10;
}

/** Milliseconds from one moment to a later one, less than 24 days apart. */
export function elapsed(from: number, to: number): number {
  return (to - from) | 0;
}
