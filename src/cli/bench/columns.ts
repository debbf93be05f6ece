/** Shows targets side by side: two in columns with their ratio, more of them in a row each. */

import { peerText } from '../../client/peer-text.ts';
import type { Comparison, ComparedName } from '../../load/figures/comparison.ts';
import type { Summary } from '../../load/figures/summary.ts';
import { isOpenLoop } from '../../load/plan.ts';
import type { Result } from './measure.ts';
import { grouped, microsecondsText, millisecondsText } from './number-text.ts';

const LABEL_WIDTH = 14;
const FIGURE_WIDTH = 10;
/** A longer name of a target, such as a path, is cut at its beginning. */
const NAME_WIDTH = 20;
const GAP = '  ';

/** A line of the table: what it is, its text for a target, and the name of its ratio, if it is compared. */
interface Row {
  readonly label: string;
  readonly compared?: ComparedName;
  readonly text: (result: Result) => string;
}

const waits = (name: 'p50' | 'p90' | 'p99' | 'p99.9' | 'worst', label = name as string): Row => ({
  label,
  compared: name,
  text: ({ summary: { clients } }) => millisecondsText(clients.fromDue[name]),
});

const count = (name: 'wrong' | 'lost' | 'closed'): Row => ({
  label: name,
  text: ({ summary: { clients } }) => grouped(clients[name]),
});

const ASKED: Row = { label: 'asked/s', text: ({ summary: { clients } }) => grouped(clients.asked) };
const RATE: Row = { label: 'answered/s', compared: 'rate', text: ({ summary: { clients } }) => grouped(clients.rate) };
const CPU: Row = {
  label: 'CPU µs',
  compared: 'cpu',
  text: ({ summary: { cpu } }) => (cpu === null ? '–' : microsecondsText(cpu)),
};
const RESPONSE: Row = { label: 'response p99', text: ({ response }) => millisecondsText(response?.p99Ms ?? null) };
const LATE: Row = { label: 'generator p99', text: ({ summary: { late } }) => millisecondsText(late.p99) };
const ROWS: readonly Row[] = [
  RATE,
  waits('p50', 'p50 ms'),
  waits('p90'),
  waits('p99'),
  waits('p99.9'),
  waits('worst'),
  CPU,
  RESPONSE,
  LATE,
  count('wrong'),
  count('lost'),
  count('closed'),
];

/** The columns of a table of three targets and more. */
const COLUMNS: readonly Row[] = [waits('p50', 'p50 ms'), waits('p99'), waits('worst'), RATE, CPU];

/** Two targets in columns, with the second one's figures as multiples of the first one's; `figures`: their ratios. */
export function pairLines(pair: readonly [Result, Result], figures: readonly Comparison[]): string[] {
  const names = pair.map(nameOf);
  const width = Math.max(FIGURE_WIDTH, ...names.map((name) => name.length));
  const line = (label: string, cells: readonly string[], end: string): string =>
    [label.padEnd(LABEL_WIDTH), ...cells.map((cell) => cell.padStart(width)), end].join(GAP).trimEnd();
  const rows = [...(isOpenLoop(pair[0].plan) ? [ASKED] : []), ...ROWS, ...besideRows(pair[0].summary)];
  const ratioOf = ({ compared }: Row): string => {
    const found = figures.find(({ name }) => name === compared);
    return found === undefined ? '' : `${ratioText(found)}  ${found.outcome}`;
  };
  return [line('', names, 'ratio'), ...rows.map((row) => line(row.label, pair.map(row.text), ratioOf(row)))];
}

/** The neighbours are the same beside each target. */
function besideRows({ beside }: Summary): Row[] {
  return beside.map((_, index) => ({
    label: beside.length === 1 ? 'beside p99' : `beside ${index + 1} p99`,
    text: ({ summary }) => millisecondsText(summary.beside[index]?.fromDue.p99 ?? null),
  }));
}

/** Each target in a row. */
export function tableLines(results: readonly Result[]): string[] {
  const width = Math.max(LABEL_WIDTH, ...results.map((result) => nameOf(result).length));
  const line = (label: string, cells: readonly string[]): string =>
    [label.padEnd(width), ...cells.map((cell) => cell.padStart(FIGURE_WIDTH))].join(GAP);
  return [
    line(
      '',
      COLUMNS.map(({ label }) => label),
    ),
    ...results.map((result) =>
      line(
        nameOf(result),
        COLUMNS.map(({ text }) => text(result)),
      ),
    ),
  ];
}

/** `1.04 (0.99–1.07)`; without the range where there is one round. */
export function ratioText({ high, low, ratio }: Pick<Comparison, 'high' | 'low' | 'ratio'>): string {
  const range = low === high ? '' : ` (${low.toFixed(2)}–${high.toFixed(2)})`;
  return `${ratio.toFixed(2)}${range}`;
}

function nameOf({ plan }: Result): string {
  const name = peerText(plan.settings);
  return name.length > NAME_WIDTH ? `…${name.slice(1 - NAME_WIDTH)}` : name;
}
