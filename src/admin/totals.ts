/** Adds up what the processes of a server have counted, one after the other: totals go on over a take-over, gauges are each process's own. */
import type { Deploy } from '../log/event.ts';
import type { DeployCounts } from './deploy-counts.ts';
import type { BoardStats } from './server-stats.ts';

/** Numbers that only rise. */
const COUNTED = [
  'messages',
  'rateWaits',
  'receivedBytes',
  'sentBytes',
  'closes',
  'latency',
  'response',
  'wait',
  'accepted',
  'takenOver',
  'handedOver',
  'rejected',
  'acceptPauses',
  'blocks',
  'relief',
  'starved',
  'moves',
] as const;

export type CountedStats = Pick<BoardStats, (typeof COUNTED)[number]>;

/** What no thread but main counts. */
export interface CountedByMain {
  readonly threadStarts: number;
  readonly threadExits: number;
  readonly eventsLost: number;
}

/** What all processes of a server have counted so far. */
export interface Totals {
  readonly stats: CountedStats;
  readonly counts: CountedByMain;
  readonly deploys: DeployCounts;
}

/** Where a server is in the line of its processes, and what the earlier ones have left. */
export interface Inherited {
  /** 1 + the number of take-overs. */
  readonly generation: number;
  /** As the process before this one has said it, which may be of another version. */
  readonly totals: unknown;
  /** The last 16, the newest last. */
  readonly deploys: readonly Deploy[];
  /** How the last deploy went, also while its account is open; `time`: in ms since 1970. */
  readonly last: { readonly time: number; readonly isSuccess: boolean } | undefined;
  /** The process before this one, while it serves its last clients. */
  readonly predecessor: { readonly pid: number; readonly clients: number } | undefined;
}

export function countedStats(stats: BoardStats): CountedStats {
  return Object.fromEntries(COUNTED.map((name) => [name, stats[name]])) as unknown as CountedStats;
}

/** Adds `other` to each number of `own`. What `other` does not have, or is no count there, adds nothing. */
export function added<T>(own: T, other: unknown): T {
  return addedTo(own, other) as T;
}

function addedTo(own: unknown, other: unknown): unknown {
  if (typeof own === 'number') return own + (isCount(other) ? other : 0);
  const parts = (typeof other === 'object' && other !== null ? other : {}) as Record<string, unknown>;
  if (own instanceof Float64Array) return own.map((value, index) => addedTo(value, parts[index]) as number);
  return Object.fromEntries(Object.entries(own as object).map(([name, value]) => [name, addedTo(value, parts[name])]));
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** `totals` as JSON, with histograms as arrays. */
export function totalsText(totals: unknown): string {
  return JSON.stringify(totals, (_name, value: unknown) => (value instanceof Float64Array ? [...value] : value));
}
