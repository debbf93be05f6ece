/** Writes the figures of runs for a person. */

import { peerText } from '../../client/peer-text.ts';
import type { NamedComparison } from '../../load/figures/comparison.ts';
import type { WrongReply } from '../../load/figures/figures.ts';
import { isDuration, type Outcome, type Requirement } from '../../load/figures/requirement.ts';
import {
  type GroupSummary,
  PERCENTILES,
  type PercentileName,
  type Summary,
  type Waits,
} from '../../load/figures/summary.ts';
import { isOpenLoop, type LoadPlan } from '../../load/plan.ts';
import { escapeText } from '../../log/escape.ts';
import { formatDuration } from '../../options/values/duration.ts';
import type { BenchSettings } from './bench-command-options.ts';
import { pairLines, ratioText, tableLines } from './columns.ts';
import type { Result } from './measure.ts';
import { grouped, microsecondsText, millisecondsText } from './number-text.ts';
import { plotLines } from './plot.ts';
import { expectedText } from './texts.ts';
import { isWorstInDoubt } from './verdict.ts';

/** The columns of the table of waits. */
export const WAIT_NAMES = [...(Object.keys(PERCENTILES) as PercentileName[]), 'worst'] as const;
/** With a short note, a row has 80 columns. */
const LABEL_WIDTH = 12;
const FIGURE_WIDTH = 8;

/** The lines before a run: what will be measured. Targets that are measured in the same way share one. */
export function headLines(plans: readonly LoadPlan[], settings: BenchSettings): string[] {
  const alike = new Map<string, { readonly plan: LoadPlan; readonly names: string[] }>();
  for (const plan of plans) {
    const how = headLine(plan, settings, '');
    const names = alike.get(how)?.names ?? [];
    names.push(peerText(plan.settings));
    alike.set(how, { plan, names });
  }
  return [...alike.values()].map(({ names, plan }) => headLine(plan, settings, names.join(' and ')));
}

/** The line before a run of one target. */
export function headLine(
  plan: LoadPlan,
  { duration, find, warm }: BenchSettings,
  target = peerText(plan.settings),
): string {
  const { clients = 0, expected = { kind: 'none' } as const } = plan.groups[0] ?? {};
  const load = find === undefined ? loadText(plan) : 'at rates that are tried';
  const warmUp = warm === 0 ? '' : `, after ${formatDuration(warm)} that does not count`;
  const others = plan.groups
    .slice(1)
    .map((group) => `, beside ${group.clients} × ${JSON.stringify(escapeText(group.name))}`);
  const time = `for ${formatDuration(duration)}${warmUp}`;
  return `${load} from ${grouped(clients)} clients to ${target}${others.join('')} ${time}; ${expectedText(expected)}`;
}

function loadText({ groups }: LoadPlan): string {
  const { rampTo, rate, thinkMs = 0 } = groups[0] ?? {};
  if (rate === undefined)
    return thinkMs === 0 ? 'as fast as replies come' : `with pauses of ${formatDuration(thinkMs)} on average`;
  return `${rampTo === undefined ? '' : `${grouped(rate)} to `}${grouped(rampTo ?? rate)} messages a second`;
}

/** All that is said of the targets: one in full, several side by side. `comparisons`: those with the first target, or with a saved run. */
export function reportLines(
  results: readonly Result[],
  comparisons: readonly NamedComparison[],
  settings: BenchSettings,
): string[] {
  const [first, second, ...others] = results;
  if (first === undefined) return [];
  if (second === undefined) return [...resultLines(first, settings), ...comparisonLines(comparisons)];
  const isPair = others.length === 0 && comparisons.length === 1;
  const table = isPair ? pairLines([first, second], comparisons[0]?.figures ?? []) : tableLines(results);
  const lines = ['', ...table, '', ...results.flatMap(troubleLines)];
  return isPair ? lines : [...lines, ...comparisonLines(comparisons)];
}

/** The lines about one target that is measured alone. */
function resultLines(result: Result, { late }: BenchSettings): string[] {
  const { figures, plan } = result;
  const plot = figures.groups.slice(0, 1).flatMap(({ fromDue }) => plotLines(fromDue));
  const lines = ['', peerText(plan.settings), ...tableOf(result, late), '', ...plot, ''];
  return [...lines, ...firstLines(result), ...outcomeLines(result)];
}

/** What must be known of one of several targets beside its figures. */
function troubleLines(result: Result): string[] {
  const { plan, summary } = result;
  const lines = [...doubtLines(summary), ...firstLines(result), ...outcomeLines(result)];
  return lines.length === 0 ? [] : [`${peerText(plan.settings)}:`, ...lines, ''];
}

/** The first reply that was wrong, and the first connection that was closed. */
function firstLines({ figures }: Result): string[] {
  return figures.groups.flatMap(({ closedWhy, wrongReply }) => [
    ...(wrongReply === undefined ? [] : [...wrongLines(wrongReply), '']),
    ...(closedWhy === undefined ? [] : [`The first connection that was closed: ${closedWhy}`, '']),
  ]);
}

/** How the runs differ. */
export function comparisonLines(comparisons: readonly NamedComparison[]): string[] {
  return comparisons.flatMap(({ base, figures, target }) => [
    `${target} against ${base}:`,
    ...figures.map((each) => `  ${each.name.padEnd(7)}${ratioText(each).padEnd(20)}${each.outcome}`),
    '',
  ]);
}

function tableOf({ plan, response, summary }: Result, lateMs: number): string[] {
  return [
    countsText(summary.clients, isOpenLoop(plan)),
    '',
    `${' '.repeat(LABEL_WIDTH)}${WAIT_NAMES.map((name) => name.padStart(FIGURE_WIDTH)).join('')}  ms`,
    ...waitRows(summary, plan, lateMs).map(waitsLine),
    ...noteLines(summary, plan, response),
  ];
}

/** What the waits of a row are, the waits, and what that means. */
type WaitRow = readonly [label: string, waits: Waits, note: string];

/** The rows of the table of waits. */
export function waitRows({ beside, clients, late }: Summary, plan: LoadPlan, lateMs: number): WaitRow[] {
  const { closedLoop, connect, fromDue, steps, warmUp } = clients;
  const own: WaitRow[] = isOpenLoop(plan)
    ? [
        ['from due', fromDue, 'what a client waits'],
        ['closed loop', closedLoop, 'of clients that were free'],
      ]
    : [['replies', fromDue, 'from when it was sent']];
  const others = beside.map(
    ({ fromDue: waits, name, rate }): WaitRow => ['beside', waits, `${name}: ${grouped(rate)}/s`],
  );
  const seldom: WaitRow[] = [
    ['warm-up', warmUp, 'not counted'],
    ['connect', connect, `${grouped(connect.count)} connections`],
  ];
  const generator: WaitRow = ['generator', late, `late itself (limit ${formatDuration(lateMs)})`];
  return [...own, ...stepRows(steps, plan), ...seldom.filter(([, { count }]) => count > 0), ...others, generator];
}

/** A row for each part of a rate that changes. */
function stepRows(steps: readonly Waits[], { groups }: LoadPlan): WaitRow[] {
  const { rampTo = 0, rate: from = 0 } = groups[0] ?? {};
  const rateAt = (step: number): string => grouped(from + ((rampTo - from) * step) / steps.length);
  return steps.map((waits, step) => [`to ${rateAt(step + 1)}/s`, waits, `from ${rateAt(step)}/s on`]);
}

/** `asked 5,000/s   answered …`. */
export function countsText({ asked, closed, lost, rate, wrong }: GroupSummary, isOpen: boolean): string {
  const first = isOpen ? [`asked ${grouped(asked)}/s`] : [];
  return [...first, `answered ${grouped(rate)}/s`, `wrong ${wrong}`, `lost ${lost}`, `closed ${closed}`].join('   ');
}

function waitsLine([label, waits, note]: WaitRow): string {
  const figures = WAIT_NAMES.map((name) => millisecondsText(waits[name]).padStart(FIGURE_WIDTH)).join('');
  return `${label.padEnd(LABEL_WIDTH)}${figures}  ${escapeText(note)}`;
}

function noteLines(summary: Summary, plan: LoadPlan, response: Result['response']): string[] {
  const { cpu, idle, idleLost } = summary;
  const notes: string[] = [];
  if (!isOpenLoop(plan))
    notes.push('A server that stalls is asked less meanwhile. What clients wait at a given load: --rate');
  if (cpu !== null) notes.push(`The server used ${cpuText(cpu)} of CPU time for each reply`);
  if (response?.p99Ms !== undefined)
    notes.push(`The server says itself that p99 of its responses is below ${millisecondsText(response.p99Ms)} ms`);
  if (idle + idleLost > 0)
    notes.push(`Idle connections: ${grouped(idle)} are still open, ${grouped(idleLost)} were lost`);
  notes.push(...doubtLines(summary));
  return notes.length === 0 ? [] : ['', ...notes];
}

/** What casts doubt on the figures: the generator itself, or the machine. */
function doubtLines(summary: Summary): string[] {
  const { runDelayMs, seconds } = summary;
  const notes: string[] = [];
  if (isWorstInDoubt(summary))
    notes.push(
      `The generator was late for ${(summary.lateShare * 100).toFixed(1)} % of the messages: p99.9 and worst may be its own`,
    );
  const share = (runDelayMs ?? 0) / 10 / seconds;
  if (share > 1)
    notes.push(
      `The generator waited for a CPU ${share.toFixed(1)} % of the time: the machine is too small or too busy`,
    );
  return notes;
}

/** The first reply that was wrong. */
function wrongLines({ client, expected, got, sent }: WrongReply): string[] {
  const rows = [
    ['sent', sent],
    ['expected', expected ?? 'something else'],
    ['got', got],
  ] as const;
  return [
    `The first wrong reply, to client ${client}:`,
    ...rows.map(([label, text]) => `  ${label.padEnd(9)}${escapeText(text)}`),
  ];
}

/** What was required, and whether a run reached it. */
export function outcomeLines({ outcomes }: Result): string[] {
  return outcomes.map(outcomeLine);
}

/** `pass  p99<5ms: 0.42 ms`. */
export function outcomeLine({ isMet, requirement, value }: Outcome): string {
  return `${isMet ? 'pass' : 'MISS'}  ${escapeText(requirement.text)}: ${reachedText(requirement, value)}`;
}

function reachedText(requirement: Requirement, value: number | undefined): string {
  if (requirement.name === 'cpu')
    return value === undefined ? 'the CPU time of the server is not known' : cpuText(value);
  if (value === undefined) return 'too little was measured';
  return isDuration(requirement) ? `${millisecondsText(value)} ms` : grouped(value);
}

function cpuText(ms: number): string {
  return `${microsecondsText(ms)} µs`;
}
