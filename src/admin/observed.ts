/** Defines what those who watch a server from outside are shown of it, at one moment. */
import type { ServerStats } from './server-stats.ts';

export const STATES = ['starting', 'ready', 'draining', 'closed'] as const;

/** What main has counted of its own, since the server started. */
export interface MainCounts {
  readonly threadStarts: number;
  readonly threadExits: number;
  readonly eventsLost: number;
  readonly reloads: number;
  readonly failedReloads: number;
}

export interface Observed {
  readonly stats: ServerStats;
  readonly state: (typeof STATES)[number];
  readonly engine: string;
  readonly threads: { readonly min: number; readonly max: number };
  readonly maxClients: number;
  readonly arena: { readonly used: number; readonly size: number };
  readonly counts: MainCounts;
  /** The CPU time of thread `id`, in ms; `undefined` where no clock can be read. */
  readonly cpuTimeOf: (id: number) => number | undefined;
}

/** A server, to be asked. */
export interface Watched {
  observe(): Observed;
  /** Rejects if the server has ended, or no thread is free. */
  ping(): Promise<void>;
}
