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

/** The shared clock itself, in ms: the same moment in all threads and processes. */
export function sharedMilliseconds(now: number): number {
  return now + OFFSET;
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

/** A moment this little ahead of `now` was just noted by another thread, in ms. */
const JUST_NOTED_MS = 60_000;

/** Milliseconds from a moment that may be long ago, up to 49 days; 0 for one that another thread has just noted. */
export function ageOf(moment: number, now: number): number {
  const ms = (now - moment) >>> 0;
  return ms > 2 ** 32 - JUST_NOTED_MS ? 0 : ms;
}
