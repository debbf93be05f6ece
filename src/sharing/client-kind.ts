/** Says what is known of a client's cost: how long its messages keep a thread from serving others. */

/** It has not been served yet. */
export const NEWCOMER = 0;
/** Its messages cost next to nothing. */
export const LIGHT = 1;
/** Its messages cost CPU time that others would wait for: it is served in turns, on a thread that nobody else waits for. */
export const COMPUTING = 2;
/** The same, but its thread waits meanwhile (for a file, a lock, a child process) and takes no CPU. */
export const BLOCKING = 3;

export type ClientKind = typeof NEWCOMER | typeof LIGHT | typeof COMPUTING | typeof BLOCKING;

export function isExpensive(kind: ClientKind): boolean {
  return kind >= COMPUTING;
}
