/** Runs `heddle bench --find`: tries rates until it knows the highest one that the server keeps. */

import { parseRequirement, type Requirement } from '../../load/figures/requirement.ts';
import type { LoadPlan } from '../../load/plan.ts';
import { print, type Terminal } from '../terminal.ts';
import type { BenchSettings } from './bench-command-options.ts';
import { findRate, type FoundRate, type StepOutcome } from './find-rate.ts';
import { measure, type Result } from './measure.ts';
import { grouped, millisecondsText } from './number-text.ts';
import { BENCH_STATUS } from './verdict.ts';

/** Where the search starts, in messages a second, unless `--rate` says. */
const START = 1_000;

/** A server falls behind that has this share of all messages still to answer at the end, and more than one for each client. */
const BEHIND = 0.01;

/** Gives the exit status. Rejects with HEDDLE_INVALID_OPTION for a condition that is none, or if a run cannot begin. */
export async function searchRate(
  plan: LoadPlan,
  settings: BenchSettings,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<number> {
  const requirement = parseRequirement(settings.find ?? '', '--find');
  let wrong: Result | undefined;
  const step = async (rate: number): Promise<StepOutcome> => {
    const result = await tryRate(plan, rate, requirement, settings, signal);
    const outcome = outcomeOf(result);
    if (result.verdict.status === BENCH_STATUS.wrong) wrong = result;
    if (!settings.json && !settings.quiet) await print(terminal, `${stepLine(rate, result, outcome)}\n`);
    return outcome;
  };
  const found = await findRate(settings.rate ?? START, step, () => signal.aborted || wrong !== undefined);
  const status = wrong?.verdict.status ?? (found.rate > 0 ? BENCH_STATUS.done : statusOf(found.limit));
  const text = wrong?.verdict.text ?? foundText(found.rate, found.limit, requirement);
  const json = { schema: 1, status, verdict: text, find: requirement.text, rate: found.rate, limit: found.limit };
  await print(terminal, settings.json ? `${JSON.stringify(json)}\n` : `${settings.quiet ? '' : '\n'}${text}\n`);
  return status;
}

async function tryRate(
  plan: LoadPlan,
  rate: number,
  requirement: Requirement,
  { arrivals, generators, late, pipeline }: BenchSettings,
  signal: AbortSignal,
): Promise<Result> {
  const most = pipeline ?? (plan.settings.framing === 'chunk' ? 1 : Infinity);
  const groups = plan.groups.map((group, index) =>
    index > 0 ? group : { ...group, rate, pattern: arrivals, pipeline: most },
  );
  const given = { rounds: 1, generators, lateMs: late, requirements: [requirement], signal };
  const [result] = await measure([{ ...plan, groups }], given);
  return result as Result;
}

/** A server that falls behind keeps nothing for long. */
function outcomeOf({ outcomes, summary, verdict }: Result): StepOutcome {
  if (verdict.status === BENCH_STATUS.late) return 'late';
  if (outcomes.some(({ value }) => value === undefined)) return 'unknown';
  const { asked, clients, rate } = summary.clients;
  const behind = (asked - rate) * summary.seconds;
  return verdict.status === BENCH_STATUS.done && behind <= Math.max(clients, asked * summary.seconds * BEHIND)
    ? 'kept'
    : 'missed';
}

function stepLine(rate: number, { outcomes, summary }: Result, outcome: StepOutcome): string {
  const { clients } = summary;
  const reached = outcomes.map(({ requirement, value }) => `${requirement.name} ${shown(value)}`).join('');
  const figures = `answered ${grouped(clients.rate)}/s, ${reached}, generator late by ${millisecondsText(summary.late.worst)} ms`;
  return `${grouped(rate).padStart(12)}/s  ${outcome.padEnd(7)} ${figures}`;
}

function shown(value: number | undefined): string {
  return value === undefined ? 'unknown' : `${millisecondsText(value)} ms`;
}

function statusOf(limit: FoundRate['limit']): number {
  return limit === 'late' ? BENCH_STATUS.late : BENCH_STATUS.missed;
}

const NOT_FOUND: Readonly<Record<FoundRate['limit'], string>> = {
  missed: 'MISSED: it is not kept at any rate',
  late: 'NO VERDICT: the generator itself was late at every rate',
  unknown: 'MISSED: it was kept at no rate with enough messages to tell. A longer --duration has more',
};

function foundText(rate: number, limit: FoundRate['limit'], { text }: Requirement): string {
  if (rate === 0) return `${NOT_FOUND[limit]} (${text})`;
  const above = limit === 'late' ? 'or more: above it the generator itself was late' : 'is the highest rate';
  return `${grouped(rate)} messages a second ${above} (${text})`;
}
