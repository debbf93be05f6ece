/** Decides how the command ends: with a status that a script can tell apart. */

import type { Outcome } from '../../load/figures/requirement.ts';
import type { Summary } from '../../load/figures/summary.ts';
import type { NamedComparison } from '../../load/figures/comparison.ts';
import { formatDuration } from '../../options/values/duration.ts';
import { millisecondsText } from './number-text.ts';

export interface Verdict {
  readonly status: number;
  readonly text: string;
}

export const BENCH_STATUS = { done: 0, failed: 1, wrong: 3, missed: 4, late: 5 } as const;
/** What says more comes first. */
const ORDER = [BENCH_STATUS.wrong, BENCH_STATUS.late, BENCH_STATUS.missed, BENCH_STATUS.failed] as const;

/** Of several runs, the one that ends worst; a run that is worse than what it was compared with, by more than is allowed, is a miss. */
export function wholeVerdict(
  results: readonly { readonly verdict: Verdict }[],
  comparisons: readonly NamedComparison[],
): Verdict {
  const worse = comparisons.flatMap(({ figures, target }) =>
    figures.filter(({ isMiss }) => isMiss).map(({ name }) => `${name} of ${target}`),
  );
  const { missed } = BENCH_STATUS;
  const verdicts = results.map(({ verdict }) => verdict);
  if (worse.length > 0) verdicts.push({ status: missed, text: `WORSE: ${worse.join(', ')}` });
  const worst = ORDER.find((status) => verdicts.some((verdict) => verdict.status === status));
  return verdicts.find(({ status }) => status === worst) ?? { status: BENCH_STATUS.done, text: 'Done' };
}

/** If more than this share of messages was late, the generator was the slow part. Up to p99 nothing changes that is rarer. */
const LATE_SHARE = 0.01;
/** The same where p99.9 or the worst counts. */
const LATE_SHARE_OF_WORST = 0.001;

/** Whether p99.9 and the worst may be the generator's own. */
export function isWorstInDoubt({ lateShare }: Summary): boolean {
  return lateShare > LATE_SHARE_OF_WORST;
}

/** What is worse comes first: figures of a server that answers wrong mean nothing. */
export function judgeRun(summary: Summary, outcomes: readonly Outcome[], lateMs: number): Verdict {
  const { clients, beside, late, lateShare } = summary;
  const all = [clients, ...beside];
  const count = (name: 'wrong' | 'lost'): number => all.reduce((sum, group) => sum + group[name], 0);
  if (count('wrong') > 0) return { status: BENCH_STATUS.wrong, text: `WRONG: ${count('wrong')} replies were wrong` };
  if (clients.fromDue.count === 0) return { status: BENCH_STATUS.failed, text: 'FAILED: nothing was measured' };
  const needsWorst = outcomes.some(({ requirement }) => ['p99.9', 'worst'].includes(requirement.name));
  if (lateShare > LATE_SHARE || (needsWorst && isWorstInDoubt(summary))) {
    const share = `${(lateShare * 100).toFixed(1)} % of the messages by more than ${formatDuration(lateMs)}, ${millisecondsText(late.worst)} ms at worst`;
    const advice =
      'Use a lower --rate, fewer --clients, more --generators or a quieter machine, or allow more with --late';
    return { status: BENCH_STATUS.late, text: `NO VERDICT: the generator itself was late: ${share}. ${advice}` };
  }
  const missed = outcomes.filter(({ isMet }) => !isMet);
  if (missed.length > 0)
    return { status: BENCH_STATUS.missed, text: `MISSED: ${missed.length} of ${outcomes.length} requirements` };
  const isAllowed = outcomes.some(({ requirement }) => requirement.name === 'lost');
  if (count('lost') > 0 && !isAllowed)
    return { status: BENCH_STATUS.failed, text: `FAILED: ${count('lost')} messages got no reply` };
  return { status: BENCH_STATUS.done, text: 'Done' };
}
