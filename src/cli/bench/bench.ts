/** Runs `heddle bench`: puts load on servers, and says how long clients wait. */

import { writeFileSync } from 'node:fs';
import { peerText } from '../../client/peer-text.ts';
import { HeddleError } from '../../errors.ts';
import { compare, type NamedComparison } from '../../load/figures/comparison.ts';
import { parseRequirement } from '../../load/figures/requirement.ts';
import type { Summary } from '../../load/figures/summary.ts';
import { TRACE_HEAD } from '../../load/reply-trace.ts';
import { parseTarget } from '../../load/target.ts';
import type { NameOf } from '../../options/source.ts';
import { print, type Terminal } from '../terminal.ts';
import { type BenchSettings, readBenchOptions } from './bench-command-options.ts';
import { parseBeside } from './beside.ts';
import { hgrmText } from './hgrm.ts';
import { htmlText } from './html.ts';
import { jsonText, readRounds } from './json.ts';
import { measure, type Result } from './measure.ts';
import { planFor } from './plan-for.ts';
import { headLines, outcomeLines, reportLines } from './report.ts';
import { searchRate } from './search-rate.ts';
import { wholeVerdict } from './verdict.ts';

/** Rounds of each target where there is something to compare: fewer say nothing of how much rounds differ by themselves. */
const ROUNDS_TO_COMPARE = 5;

export interface BenchInvocation {
  /** Empty: the default. */
  readonly targets: readonly string[];
  /** What a run must reach. */
  readonly require: readonly string[];
  /** Who else talks to the server. */
  readonly beside: readonly string[];
  /** The flags of `benchCommandSchema`, by option name. */
  readonly flags: object;
  /** Ends the run early. */
  readonly signal: AbortSignal;
}

/** Runs to the end; gives the exit status. Rejects with a HeddleError if the run cannot begin. */
export async function runBench(invocation: BenchInvocation, terminal: Terminal): Promise<number> {
  const { flags, signal } = invocation;
  const { nameOf, settings } = readBenchOptions(flags);
  const requirements = invocation.require.map((text) => parseRequirement(text, '--require'));
  const targets = invocation.targets.length === 0 ? [':12345'] : invocation.targets;
  refuseTogether(invocation, settings);
  for (const [name, file] of filesOf(settings)) writeReport(name, file, '');
  if (settings.trace !== undefined) writeReport('trace', settings.trace, TRACE_HEAD);
  const saved = savedRounds(settings);
  const plans = await plansFor(invocation, targets, settings, nameOf);
  if (!settings.json && !settings.quiet)
    for (const line of headLines(plans, settings)) await print(terminal, `${line}\n`);
  const [plan] = plans;
  if (settings.find !== undefined && plan !== undefined) return searchRate(plan, settings, signal, terminal);
  const isCompared = targets.length > 1 || settings.compare !== undefined;
  const results = await measure(plans, {
    rounds: settings.rounds ?? (isCompared ? ROUNDS_TO_COMPARE : 1),
    generators: settings.generators,
    lateMs: settings.late,
    requirements,
    signal,
  });
  const comparisons = comparisonsOf(results, saved, settings);
  const end = wholeVerdict(results, settings.compare === undefined ? [] : comparisons);
  const text = settings.json
    ? jsonText(results, comparisons, end)
    : [
        ...(settings.quiet ? results.flatMap(outcomeLines) : reportLines(results, comparisons, settings)),
        end.text,
        '',
      ].join('\n');
  await print(terminal, text);
  const texts = {
    html: () => htmlText(results, comparisons, end, settings, new Date()),
    hgrm: () => results.flatMap(({ figures }) => figures.groups.slice(0, 1)).map(({ fromDue }) => hgrmText(fromDue))[0],
  };
  for (const [name, file] of filesOf(settings)) writeReport(name, file, texts[name]() ?? '');
  return end.status;
}

type ReportName = 'html' | 'hgrm';

/** The files that are written beside the report. */
function filesOf({ html, hgrm }: BenchSettings): (readonly [name: ReportName, file: string])[] {
  return Object.entries({ html, hgrm }).filter((entry): entry is [ReportName, string] => entry[1] !== undefined);
}

/** Throws HEDDLE_INVALID_OPTION. */
function refuseTogether({ require, targets }: BenchInvocation, settings: BenchSettings): void {
  const { compare: base, find, hgrm, html, ramp, rate, rounds, think, trace } = settings;
  const first = (others: Readonly<Record<string, unknown>>): string | undefined =>
    Object.keys(others).find((name) => others[name] !== undefined);
  // A search has one figure, and tries one thing.
  const besideFind = { require: require[0], compare: base, html, hgrm, trace, rounds, ramp, think };
  const pairs = [
    ['find', find, first(besideFind)],
    ['ramp', ramp, first({ rate, think })],
    ['rate', rate, first({ think })],
  ] as const;
  for (const [name, value, other] of pairs)
    if (value !== undefined && other !== undefined)
      throw invalid(`--${other} does not go with --${name}: leave one out`);
  const [single] = Object.entries({ find, hgrm, trace }).find(([, value]) => value !== undefined) ?? [];
  if (single !== undefined && targets.length > 1) throw invalid(`--${single} takes one target: run it once for each`);
  if (base === 'first' && targets.length < 2)
    throw invalid(
      '--compare first needs two targets. To compare with a saved run, name its file: --compare before.json',
    );
}

function invalid(text: string, cause?: unknown): HeddleError {
  return new HeddleError('HEDDLE_INVALID_OPTION', text, { cause });
}

/** Before the run it is written empty: what cannot be written is refused then, not after minutes. Throws HEDDLE_INVALID_OPTION. */
function writeReport(name: ReportName | 'trace', file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw invalid(`--${name} cannot write ${file}: ${code ?? message}`, cause);
  }
}

async function plansFor(
  { beside }: BenchInvocation,
  targets: readonly string[],
  settings: BenchSettings,
  nameOf: NameOf,
) {
  const others = beside.map(parseBeside);
  const parsed = targets.map(parseTarget);
  // Where targets say who speaks TLS, the options say how.
  const isSaid = parsed.some(({ isTls }) => isTls);
  const plans = [];
  for (const target of parsed) {
    const tls = !isSaid ? settings.tls : target.isTls ? (settings.tls ?? {}) : undefined;
    plans.push(await planFor(target, others, { ...settings, tls }, nameOf));
  }
  return plans;
}

/** The rounds of the file that `--compare` names. */
function savedRounds({ compare: base }: BenchSettings): readonly Summary[] | undefined {
  return base === undefined || base === 'first' ? undefined : readRounds(base);
}

/** Each target with the saved run, or with the first target. */
function comparisonsOf(
  results: readonly Result[],
  saved: readonly Summary[] | undefined,
  { compare: file, tolerance }: BenchSettings,
): NamedComparison[] {
  const [first, ...others] = results;
  if (first === undefined) return [];
  const name = ({ plan }: Result): string => peerText(plan.settings);
  const [base, baseName] = saved === undefined ? [first.rounds, name(first)] : [saved, file ?? ''];
  return (saved === undefined ? others : results).map((result) => ({
    target: name(result),
    base: baseName,
    figures: compare(base, result.rounds, saved === undefined, tolerance / 100),
  }));
}
