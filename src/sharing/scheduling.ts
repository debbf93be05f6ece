/** Sets the time slices and nice values that tell the kernel's scheduler which threads are in a hurry. */

/*
 * Linux's fair scheduler (EEVDF) lets a waking thread with a short slice run before one with a long slice, and each
 * thread gets its share of the CPU in the end whatever its slice is (from 6.12 on, sched_setattr(2) sets it). A thread
 * that serves clients wakes for microseconds; one that is blocked computes for as long as it is let.
 *
 * With many threads that compute, a share is not enough: who has had his waits, however short his slice. So a thread
 * that was blocked for long gets a higher nice value, which makes its share smaller beside those that serve. Taking that
 * back needs a privilege: without it such a thread is replaced when nobody needs it any more.
 */

/** The time slice of a thread that serves, in ns: the kernel's minimum. */
export const SERVING_SLICE_NS = 100_000;
/**
 * That of a blocked one. Longer than those that serve, so that they go first; shorter than the kernel's usual 3 ms, so that
 * Node's own helper threads do not wait long either. Beside one blocked thread the worst wait of 32 clients was 15 ms with
 * 20 ms here, 10 with 3, 9 with 1 and 12 with 0.3 (`npm run bench -- no-wait`, medians of 3).
 */
export const BLOCKED_SLICE_NS = 1_000_000;

/**
 * How much a thread's nice value is raised that was blocked for long. Its weight falls to a tenth. Beside 16 blocked threads the
 * worst wait was 59 ms without, 7 with 10, 23 with 19 (`npm run bench -- no-wait`, medians of 2).
 */
export const BLOCKED_NICE = 10;
