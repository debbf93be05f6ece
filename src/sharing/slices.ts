/** Used to tell the kernel's scheduler who is in a hurry: time slices of threads, in ns. */

/*
 * Linux's fair scheduler (EEVDF) lets a waking thread with a short slice run before one with a long slice, and each
 * thread gets its share of the CPU in the end whatever its slice is (from 6.12 on, sched_setattr(2) sets it). A thread
 * that serves clients wakes for microseconds; one that is held computes for as long as it is let.
 */

/** The kernel's minimum, 0.1 ms. */
export const SERVING_SLICE = 100_000;
/**
 * Longer than those that serve, so that they go first; shorter than the kernel's usual 3 ms, so that Node's own helper
 * threads do not wait long either. Beside one held thread the worst wait of 32 clients was 15 ms with 20 ms here, 10 with
 * 3, 9 with 1 and 12 with 0.3 (`npm run bench -- no-wait`, medians of 3).
 */
export const HELD_SLICE = 1_000_000;
