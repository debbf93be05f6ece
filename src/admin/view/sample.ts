/** Defines what is asked of a server to show it: its snapshot, and the clients that wait longest. */
import type { Snapshot } from '../control/snapshot.ts';
import type { WaitingClient } from '../control/waiting.ts';

export interface Sample {
  readonly snapshot: Snapshot;
  readonly waiting: readonly WaitingClient[];
}
