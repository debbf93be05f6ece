/** Has a thread of the load run as soon as it has something to do: the load is not what is measured. */

import type { Sys } from '../sys/sys.ts';

/** The shortest slice that Linux gives a thread. Who has a short one is let run sooner when it wakes. */
const SLICE_NS = 100_000;
/** From 0, this is the highest priority of threads that share a CPU. */
const NICER = -20;

/**
 * Raises the priority of this thread if the process may do that, and shortens its slice, which any process may.
 * With 2,000 messages a second and the server on the same two CPUs, 0.43 to 0.82 % of the messages were more than 1 ms late;
 * with a short slice 0.25 to 0.77 %, with both 0.04 to 0.07 %.
 */
export function runSoon(sys: Sys): void {
  sys.addNice(0, NICER);
  sys.setSlice(0, SLICE_NS);
}
