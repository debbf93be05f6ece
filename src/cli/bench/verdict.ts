/** Decides how the command ends: with a status that a script can tell apart. */

import type { Outcome } from '../../load/figures/requirement.ts';
import type { Summary } from '../../load/figures/summary.ts';
import { millisecondsText } from './report.ts';

export interface Verdict {
  readonly status: number;
  readonly text: string;
}

export const BENCH_STATUS = { done: 0, failed: 1, wrong: 3, missed: 4, late: 5 } as const;

/** If more than this share of messages was late, the generator was the slow part. */
const LATE_SHARE = 0.001;

/** What is worse comes first: figures of a server that answers wrong mean nothing. */
export function judgeRun(summary: Summary, outcomes: readonly Outcome[], lateMs: number): Verdict {
  const { clients, beside, late, lateShare } = summary;
  const all = [clients, ...beside];
  const count = (name: 'wrong' | 'lost'): number => all.reduce((sum, group) => sum + group[name], 0);
  if (count('wrong') > 0) return { status: BENCH_STATUS.wrong, text: `WRONG: ${count('wrong')} replies were wrong` };
  if (clients.fromDue.count === 0) return { status: BENCH_STATUS.failed, text: 'FAILED: nothing was measured' };
  if (lateShare > LATE_SHARE) {
    const share = `${(lateShare * 100).toFixed(1)} % of the messages by more than ${lateMs} ms, ${millisecondsText(late.worst)} ms at worst`;
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
