/** Compares the rounds of two runs: whether a difference is more than what rounds differ by themselves. */

import type { Summary } from './summary.ts';

const COMPARED = ['p50', 'p99', 'rate'] as const;
type ComparedName = (typeof COMPARED)[number];

export interface Comparison {
  readonly name: ComparedName;
  /** The second run's figure as a multiple of the first run's: of the medians, and the lowest and the highest of single rounds. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly outcome: 'better' | 'worse' | 'no difference';
}

/** Comparisons with the run that `--compare` names, or with the first target. */
export interface NamedComparison {
  readonly target: string;
  readonly base: string;
  readonly figures: readonly Comparison[];
}

/**
 * Compares `other` with `base`. `isPaired`: the rounds were run in turn, so each is compared with the one beside it; otherwise each with all.
 * There is a difference if all ratios are on one side, by more than `tolerance` (0.05: 5 %) in the middle. What was not measured is left out.
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
  const found = rounds.map(({ clients }) => (name === 'rate' ? clients.rate : clients.fromDue[name]));
  const known = found.filter((value) => value !== null && value > 0) as number[];
  return known.length === rounds.length && known.length > 0 ? known : undefined;
}

function judged(name: ComparedName, ratios: readonly number[], tolerance: number): Comparison {
  const [low, high, ratio] = [Math.min(...ratios), Math.max(...ratios), median(ratios)];
  const isMore = low > 1 && ratio > 1 + tolerance;
  const isLess = high < 1 && ratio < 1 / (1 + tolerance);
  const isBetter = name === 'rate' ? isMore : isLess;
  const outcome = !isMore && !isLess ? 'no difference' : isBetter ? 'better' : 'worse';
  return { name, ratio, low, high, outcome };
}

/** The middle value; of an even number, the mean of the two. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}
