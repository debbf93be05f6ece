/** Writes and reads the figures as JSON. */

import { readFileSync } from 'node:fs';
import { peerText } from '../../client/peer-text.ts';
import { HeddleError } from '../../errors.ts';
import type { NamedComparison } from '../../load/figures/comparison.ts';
import type { Summary } from '../../load/figures/summary.ts';
import type { Result } from './measure.ts';
import type { Verdict } from './verdict.ts';

/** Changes with what a reader would misunderstand. */
const SCHEMA = 1;

/** One line. */
export function jsonText(results: readonly Result[], comparisons: readonly NamedComparison[], end: Verdict): string {
  const runs = results.map(({ figures, outcomes, plan, response, rounds, summary, verdict }) => ({
    target: peerText(plan.settings),
    rate: plan.groups[0]?.rate ?? null,
    rampTo: plan.groups[0]?.rampTo ?? null,
    expected: plan.groups[0]?.expected,
    status: verdict.status,
    verdict: verdict.text,
    ...summary,
    serverResponse: response ?? null,
    histogram: figures.groups[0]?.fromDue.toRecord(),
    rounds,
    requirements: outcomes.map(({ isMet, requirement, value }) => ({
      text: requirement.text,
      isMet,
      value: value ?? null,
    })),
    wrongReply: figures.groups.find(({ wrongReply }) => wrongReply !== undefined)?.wrongReply ?? null,
  }));
  return `${JSON.stringify({ schema: SCHEMA, status: end.status, verdict: end.text, runs, comparisons })}\n`;
}

/** The rounds of the first run in a file that `--json` wrote. Throws HEDDLE_INVALID_OPTION. */
export function readRounds(file: string): readonly Summary[] {
  let saved: { readonly schema?: unknown; readonly runs?: readonly { readonly rounds?: readonly Summary[] }[] };
  try {
    saved = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause));
  }
  const rounds = saved?.runs?.[0]?.rounds;
  if (saved?.schema !== SCHEMA || !Array.isArray(rounds))
    throw unreadable(file, 'it is not what --json of this version wrote');
  return rounds;
}

function unreadable(file: string, why: string): HeddleError {
  const text = `--compare cannot use ${file}: ${why}. Save a run with: heddle bench --json > FILE`;
  return new HeddleError('HEDDLE_INVALID_OPTION', text);
}
