/** Used to tell the kernel's scheduler who is in a hurry: time slices of threads, in ns. */

/*
 * Linux's fair scheduler (EEVDF) lets a waking thread with a short slice run before one with a long slice, and each
 * thread gets its share of the CPU in the end whatever its slice is (from 6.12 on, sched_setattr(2) sets it). A thread
 * that serves clients wakes for microseconds; one that is held computes for as long as it is let.
 */

/** The kernel's minimum, 0.1 ms. */
export const SERVING_SLICE = 100_000;
/** Long, so that held threads are switched seldom among themselves. */
export const HELD_SLICE = 20_000_000;
