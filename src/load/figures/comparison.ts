/** Compares the rounds of two runs: whether a difference is more than what rounds differ by themselves. */

import { PERCENTILES, type PercentileName, type Summary } from './summary.ts';

const COMPARED = ['rate', ...(Object.keys(PERCENTILES) as PercentileName[]), 'worst', 'cpu'] as const;
export type ComparedName = (typeof COMPARED)[number];
/** What a run is judged by. The other figures are shown: some figure of many is worse by chance. */
const JUDGED: ReadonlySet<ComparedName> = new Set(['rate', 'p50', 'p99', 'cpu'] as const);
/** The CPU time of a process is read to 10 ms, which is 5 % of this. A round that took less of it tells nothing. */
const LEAST_CPU_MS = 200;

export interface Comparison {
  readonly name: ComparedName;
  /** The second run's figure as a multiple of the first run's, round by round: the median, the lowest and the highest. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** `no difference`: the rounds are not all on one side. `slight`: within the tolerance. */
  readonly outcome: 'better' | 'worse' | 'slight' | 'no difference';
  /** Whether it is worse, and a figure that runs are judged by. */
  readonly isMiss: boolean;
}

/** Comparisons with the run that `--compare` names, or with the first target. */
export interface NamedComparison {
  readonly target: string;
  readonly base: string;
  readonly figures: readonly Comparison[];
}

/**
 * Compares `other` with `base`. `isPaired`: the rounds were run in turn, so each is compared with the one beside it; otherwise each with all.
 * There is a difference if all ratios are on one side. `tolerance`: how large it may be in the middle (0.05: 5 %). What was not measured is left out.
 */
export function compare(
  base: readonly Summary[],
  other: readonly Summary[],
  isPaired: boolean,
  tolerance: number,
): Comparison[] {
  return COMPARED.flatMap((name) => {
    const [before, after] = [figures(base, name), figures(other, name)];
    if (before === undefined || after === undefined) return [];
    const ratios = isPaired
      ? after.slice(0, before.length).map((value, index) => value / (before[index] ?? NaN))
      : before.flatMap((one) => after.map((value) => value / one));
    return [judged(name, ratios, tolerance)];
  });
}

/** The figure of each round; `undefined`: a round has none. */
function figures(rounds: readonly Summary[], name: ComparedName): number[] | undefined {
  const found = rounds.map((round) => figure(round, name));
  const known = found.filter((value) => value !== null && value > 0) as number[];
  return known.length === rounds.length && known.length > 0 ? known : undefined;
}

function figure({ beside, clients, cpu, seconds }: Summary, name: ComparedName): number | null {
  if (name === 'rate') return clients.rate;
  if (name !== 'cpu') return clients.fromDue[name];
  const replies = [clients, ...beside].reduce((sum, { rate }) => sum + rate, 0) * seconds;
  return (cpu ?? 0) * replies < LEAST_CPU_MS ? null : cpu;
}

function judged(name: ComparedName, ratios: readonly number[], tolerance: number): Comparison {
  const [low, high, ratio] = [Math.min(...ratios), Math.max(...ratios), median(ratios)];
  const outcome = outcomeOf(name, { low, high, ratio }, tolerance);
  return { name, ratio, low, high, outcome, isMiss: outcome === 'worse' && JUDGED.has(name) };
}

function outcomeOf(
  name: ComparedName,
  { high, low, ratio }: Pick<Comparison, 'low' | 'high' | 'ratio'>,
  tolerance: number,
): Comparison['outcome'] {
  if (low <= 1 && high >= 1) return 'no difference';
  if (Math.max(ratio, 1 / ratio) <= 1 + tolerance) return 'slight';
  return ratio > 1 === (name === 'rate') ? 'better' : 'worse';
}

/** The middle value; of an even number, the mean of the two. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
