/** Runs `heddle bench`: puts load on a server, and says how long clients wait. */

import { peerText } from '../../client/peer-text.ts';
import { type LoadFigures, runLoad } from '../../load/load.ts';
import type { GroupPlan, LoadPlan } from '../../load/plan.ts';
import { judge, type Outcome, parseRequirement } from '../../load/figures/requirement.ts';
import { type Summary, summarise } from '../../load/figures/summary.ts';
import { parseTarget } from '../../load/target.ts';
import { formatDuration } from '../../options/values/duration.ts';
import { print, type Terminal } from '../terminal.ts';
import { type BenchSettings, readBenchOptions } from './bench-command-options.ts';
import { planFor } from './plan-for.ts';
import { grouped, outcomeLine, reportLines, wrongLines } from './report.ts';
import { expectedText } from './texts.ts';
import { judgeRun, type Verdict } from './verdict.ts';

export interface BenchInvocation {
  readonly target: string;
  /** What the run must reach. */
  readonly require: readonly string[];
  /** The flags of `benchCommandSchema`, by option name. */
  readonly flags: object;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** All that is said about one run. */
interface Run {
  readonly plan: LoadPlan;
  readonly figures: LoadFigures;
  readonly summary: Summary;
  readonly outcomes: readonly Outcome[];
  readonly verdict: Verdict;
}

/** Runs to the end; gives the exit status. Rejects with a HeddleError if the run cannot begin. */
export async function runBench(
  { flags, require, signal, target }: BenchInvocation,
  terminal: Terminal,
): Promise<number> {
  const { nameOf, settings } = readBenchOptions(flags);
  const requirements = require.map((text) => parseRequirement(text, '--require'));
  const plan = await planFor(parseTarget(target), settings, nameOf);
  if (!settings.json) await print(terminal, `${headLine(plan, settings)}\n\n`);
  const figures = await runLoad(plan, settings.generators, signal);
  const summary = summarise(figures, settings.late);
  const outcomes = requirements.map((requirement) => judge(requirement, summary));
  const verdict = judgeRun(summary, outcomes, settings.late);
  const run = { plan, figures, summary, outcomes, verdict };
  await print(terminal, settings.json ? jsonText(run) : reportText(run, settings));
  return verdict.status;
}

function headLine(plan: LoadPlan, { duration, rate, warm }: BenchSettings): string {
  const [{ clients, expected }] = plan.groups as readonly [GroupPlan];
  const load = rate === undefined ? 'as fast as replies come' : `${grouped(rate)} messages a second`;
  const warmUp = warm === 0 ? '' : `, after ${formatDuration(warm)} that does not count`;
  const time = `for ${formatDuration(duration)}${warmUp}`;
  return `${load} from ${grouped(clients)} clients to ${peerText(plan.settings)} ${time}; ${expectedText(expected)}`;
}

function reportText({ figures, outcomes, summary, verdict }: Run, { late, rate }: BenchSettings): string {
  const lines = [...reportLines(summary, rate !== undefined, late), ''];
  for (const { closedWhy, wrongReply } of figures.groups) {
    if (wrongReply !== undefined) lines.push(...wrongLines(wrongReply), '');
    if (closedWhy !== undefined) lines.push(`The first connection that was closed: ${closedWhy}`, '');
  }
  lines.push(...outcomes.map(outcomeLine), verdict.text, '');
  return lines.join('\n');
}

/** One line. `schema` changes with what a reader would misunderstand. */
function jsonText({ figures, outcomes, plan, summary, verdict }: Run): string {
  const [group] = plan.groups;
  return `${JSON.stringify({
    schema: 1,
    target: peerText(plan.settings),
    rate: group?.rate ?? null,
    expected: group?.expected,
    status: verdict.status,
    verdict: verdict.text,
    ...summary,
    requirements: outcomes.map(({ isMet, requirement, value }) => ({
      text: requirement.text,
      isMet,
      value: value ?? null,
    })),
    wrongReply: figures.groups.find(({ wrongReply }) => wrongReply !== undefined)?.wrongReply ?? null,
  })}\n`;
}
