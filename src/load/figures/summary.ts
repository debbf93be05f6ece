/** Sums figures up as numbers that are printed, saved and compared. */

import type { GroupFigures } from './figures.ts';
import type { Histogram } from './histogram.ts';
import type { LoadFigures } from '../load.ts';

/** The percentiles that are shown, with the share of each. */
export const PERCENTILES = { p50: 0.5, p90: 0.9, p99: 0.99, 'p99.9': 0.999 } as const;
export type PercentileName = keyof typeof PERCENTILES;

/** In milliseconds. `null`: there are too few to tell. */
export type Waits = Readonly<Record<PercentileName | 'worst', number | null>> & { readonly count: number };

export interface GroupSummary {
  readonly name: string;
  readonly clients: number;
  /** Messages a second that were due, and replies a second that came. */
  readonly asked: number;
  readonly rate: number;
  readonly wrong: number;
  readonly lost: number;
  readonly closed: number;
  readonly connects: number;
  readonly fromDue: Waits;
  readonly closedLoop: Waits;
  readonly warmUp: Waits;
  readonly connect: Waits;
  /** From due, in each tenth of the measured time, where the rate changes. */
  readonly steps: readonly Waits[];
}

export interface Summary {
  /** The clients that the run is about. */
  readonly clients: GroupSummary;
  readonly beside: readonly GroupSummary[];
  /** How late the generator was. */
  readonly late: Waits;
  /** The share of messages and replies for which it was later than it may be. */
  readonly lateShare: number;
  readonly runDelayMs: number | null;
  /** CPU time of the server for each reply, in ms; `null`: it is not known. */
  readonly cpu: number | null;
  readonly idle: number;
  readonly idleLost: number;
  readonly seconds: number;
}

/** `lateMs`: how late the generator may be. */
export function summarise(figures: LoadFigures, lateMs: number): Summary {
  const { groups, idle, idleLost, late, ms, runDelayMs, serverCpuMs } = figures;
  const replies = groups.reduce((sum, group) => sum + group.replies, 0);
  const [clients, ...beside] = groups.map((group) => summariseGroup(group, ms));
  if (clients === undefined) throw new Error('a run has clients');
  return {
    clients,
    beside,
    late: waitsOf(late),
    lateShare: late.count === 0 ? 0 : late.countAbove(lateMs) / late.count,
    runDelayMs: runDelayMs ?? null,
    cpu: serverCpuMs === undefined || replies === 0 ? null : serverCpuMs / replies,
    idle,
    idleLost,
    seconds: ms / 1000,
  };
}

function summariseGroup(group: GroupFigures, ms: number): GroupSummary {
  const { clients, closed, connects, lost, name, wrong } = group;
  const perSecond = (count: number): number => (ms === 0 ? 0 : (count * 1000) / ms);
  return {
    name,
    clients,
    wrong,
    lost,
    closed,
    connects,
    asked: perSecond(group.asked),
    rate: perSecond(group.replies),
    fromDue: waitsOf(group.fromDue),
    closedLoop: waitsOf(group.closedLoop),
    warmUp: waitsOf(group.warmUp),
    connect: waitsOf(group.connect),
    steps: group.steps.map(waitsOf),
  };
}

function waitsOf(histogram: Histogram): Waits {
  const { count, worst } = histogram;
  const at = (name: PercentileName): number | null => histogram.quantile(PERCENTILES[name]) ?? null;
  return {
    count,
    p50: at('p50'),
    p90: at('p90'),
    p99: at('p99'),
    'p99.9': at('p99.9'),
    worst: count === 0 ? null : worst,
  };
}
