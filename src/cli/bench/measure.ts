/** Measures targets in turn, round by round, and says how each did. */

import { peerText } from '../../client/peer-text.ts';
import { HeddleError } from '../../errors.ts';
import { joinRounds } from '../../load/figures/rounds.ts';
import { judge, type Outcome, type Requirement } from '../../load/figures/requirement.ts';
import { type Summary, summarise } from '../../load/figures/summary.ts';
import { type LoadFigures, runLoad } from '../../load/load.ts';
import type { LoadPlan } from '../../load/plan.ts';
import { judgeRun, type Verdict } from './verdict.ts';

/** All that is known of one target. */
export interface Result {
  readonly plan: LoadPlan;
  /** Those of all rounds together. */
  readonly figures: LoadFigures;
  readonly summary: Summary;
  readonly rounds: readonly Summary[];
  readonly outcomes: readonly Outcome[];
  readonly verdict: Verdict;
}

export interface Measurement {
  readonly rounds: number;
  readonly generators: number;
  /** How late the generator may be, in ms. */
  readonly lateMs: number;
  readonly requirements: readonly Requirement[];
  readonly signal: AbortSignal;
}

/** Gives a result for each of `plans`. Rejects with a HeddleError if a run cannot begin. */
export async function measure(plans: readonly LoadPlan[], given: Measurement): Promise<Result[]> {
  const { generators, rounds, signal } = given;
  const runs = plans.map((): LoadFigures[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, plan] of plans.entries()) {
      if (signal.aborted && round > 0) continue;
      const ms = plan.ms / rounds;
      runs[index]?.push(await runLoad({ ...plan, ms, seed: plan.seed + round }, generators, signal));
    }
  }
  return plans.map((plan, index) => resultOf(plan, runs[index] ?? [], given));
}

function resultOf(plan: LoadPlan, runs: readonly LoadFigures[], { lateMs, requirements }: Measurement): Result {
  if (runs.length === 0) throw new HeddleError('HEDDLE_CONNECT', `${peerText(plan.settings)} was not measured`);
  const figures = joinRounds(runs);
  const summary = summarise(figures, lateMs);
  const outcomes = requirements.map((requirement) => judge(requirement, summary));
  const rounds = runs.map((run) => summarise(run, lateMs));
  return { plan, figures, summary, rounds, outcomes, verdict: judgeRun(summary, outcomes, lateMs) };
}
