/** Measures targets in turn, round by round, and says how each did. */

import type { Waits } from '../../admin/view/waits.ts';
import { peerText } from '../../client/peer-text.ts';
import { HeddleError } from '../../errors.ts';
import { joinRounds } from '../../load/figures/rounds.ts';
import { judge, type Outcome, type Requirement } from '../../load/figures/requirement.ts';
import { type Summary, summarise } from '../../load/figures/summary.ts';
import { type LoadFigures, runLoad } from '../../load/load.ts';
import type { LoadPlan } from '../../load/plan.ts';
import { ServerResponse } from './server-response.ts';
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
  /** What the server itself says of its clients' waits; `undefined`: it says nothing. */
  readonly response: Waits | undefined;
}

export interface Measurement {
  readonly rounds: number;
  readonly generators: number;
  /** How late the generator may be, in ms. */
  readonly lateMs: number;
  readonly requirements: readonly Requirement[];
  readonly signal: AbortSignal;
}

/** What is known of a target so far. */
interface Target {
  readonly plan: LoadPlan;
  readonly runs: LoadFigures[];
  readonly response: ServerResponse | undefined;
}

/** Gives a result for each of `plans`. Rejects with a HeddleError if a run cannot begin. */
export async function measure(plans: readonly LoadPlan[], given: Measurement): Promise<Result[]> {
  const { generators, rounds, signal } = given;
  const targets = await Promise.all(plans.map(targetOf));
  for (let round = 0; round < rounds; round++) {
    for (const { plan, response, runs } of targets) {
      if (signal.aborted && round > 0) continue;
      const part = { ...plan, ms: plan.ms / rounds, seed: plan.seed + round };
      runs.push(await runLoad(part, generators, signal, () => response?.onEdge()));
    }
  }
  return Promise.all(targets.map(async (target) => resultOf(target, given)));
}

async function targetOf(plan: LoadPlan): Promise<Target> {
  const { server } = plan;
  return { plan, runs: [], response: server === undefined ? undefined : await ServerResponse.of(server, process.env) };
}

async function resultOf({ plan, response, runs }: Target, { lateMs, requirements }: Measurement): Promise<Result> {
  if (runs.length === 0) throw new HeddleError('HEDDLE_CONNECT', `${peerText(plan.settings)} was not measured`);
  const figures = joinRounds(runs);
  const summary = summarise(figures, lateMs);
  const outcomes = requirements.map((requirement) => judge(requirement, summary));
  const rounds = runs.map((run) => summarise(run, lateMs));
  const verdict = judgeRun(summary, outcomes, lateMs);
  return { plan, figures, summary, rounds, outcomes, verdict, response: await response?.waits() };
}
