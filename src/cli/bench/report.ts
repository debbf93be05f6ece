/** Writes the figures of a run for a person. */

import { escapeText } from '../../log/escape.ts';
import type { WrongReply } from '../../load/figures/figures.ts';
import { isWait, type Outcome } from '../../load/figures/requirement.ts';
import {
  type GroupSummary,
  PERCENTILES,
  type PercentileName,
  type Summary,
  type Waits,
} from '../../load/figures/summary.ts';

const NAMES = [...(Object.keys(PERCENTILES) as PercentileName[]), 'worst'] as const;
const LABEL_WIDTH = 14;
const FIGURE_WIDTH = 9;

/** `1234567` as `1,234,567`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Milliseconds with three digits that count. */
export function millisecondsText(ms: number | null): string {
  if (ms === null) return '–';
  if (ms >= 100) return grouped(ms);
  return ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

/** The lines about one run. */
export function reportLines(summary: Summary, isOpenLoop: boolean, lateMs: number): string[] {
  const { beside, clients } = summary;
  return [
    countsLine(clients, isOpenLoop),
    '',
    `${' '.repeat(LABEL_WIDTH)}${NAMES.map((name) => name.padStart(FIGURE_WIDTH)).join('')}   ms`,
    ...clientLines(clients, isOpenLoop),
    ...beside.map((group) => waitsLine('beside', group.fromDue, `${escapeText(group.name)}: ${grouped(group.rate)}/s`)),
    waitsLine('generator', summary.late, `how late it was itself (limit ${lateMs} ms)`),
    ...noteLines(summary, isOpenLoop),
  ];
}

function countsLine({ asked, closed, lost, rate, wrong }: GroupSummary, isOpenLoop: boolean): string {
  const first = isOpenLoop ? [`asked ${grouped(asked)}/s`] : [];
  return [...first, `answered ${grouped(rate)}/s`, `wrong ${wrong}`, `lost ${lost}`, `closed ${closed}`].join('   ');
}

function clientLines({ closedLoop, connect, fromDue, warmUp }: GroupSummary, isOpenLoop: boolean): string[] {
  const first = isOpenLoop
    ? [
        waitsLine('from due', fromDue, 'what a client waits'),
        waitsLine('closed loop', closedLoop, 'what a tool says that waits for each reply'),
      ]
    : [waitsLine('replies', fromDue, 'from when a message was sent')];
  const last = connect.count === 0 ? [] : [waitsLine('connect', connect, `${grouped(connect.count)} connections`)];
  return [...first, ...(warmUp.count === 0 ? [] : [waitsLine('warm-up', warmUp, 'not counted')]), ...last];
}

function waitsLine(label: string, waits: Waits, note: string): string {
  const figures = NAMES.map((name) => millisecondsText(waits[name]).padStart(FIGURE_WIDTH)).join('');
  return `${label.padEnd(LABEL_WIDTH)}${figures}   ${note}`;
}

function noteLines({ idle, idleLost, runDelayMs, seconds }: Summary, isOpenLoop: boolean): string[] {
  const notes: string[] = [];
  if (!isOpenLoop)
    notes.push('A server that stalls is asked less meanwhile. What clients wait at a given load: --rate');
  if (idle + idleLost > 0)
    notes.push(`Idle connections: ${grouped(idle)} are still open, ${grouped(idleLost)} were lost`);
  const share = (runDelayMs ?? 0) / 10 / seconds;
  if (share > 1)
    notes.push(
      `The generator waited for a CPU ${share.toFixed(1)} % of the time: the machine is too small or too busy`,
    );
  return notes.length === 0 ? [] : ['', ...notes];
}

/** The first reply that was wrong. */
export function wrongLines({ client, expected, got, sent }: WrongReply): string[] {
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

/** `pass  p99 < 5ms: 0.42 ms`. */
export function outcomeLine({ isMet, requirement, value }: Outcome): string {
  const shown =
    value === undefined
      ? 'too little was measured'
      : isWait(requirement)
        ? `${millisecondsText(value)} ms`
        : grouped(value);
  return `${isMet ? 'pass' : 'MISS'}  ${escapeText(requirement.text)}: ${shown}`;
}
