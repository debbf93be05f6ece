/** Writes the figures as one HTML file, which loads nothing and runs nothing. */

import { peerText } from '../../client/peer-text.ts';
import type { NamedComparison } from '../../load/figures/comparison.ts';
import type { Waits } from '../../load/figures/summary.ts';
import { isOpenLoop } from '../../load/plan.ts';
import type { BenchSettings } from './bench-command-options.ts';
import type { Result } from './measure.ts';
import { millisecondsText } from './number-text.ts';
import { percentilePicture } from './percentile-picture.ts';
import { comparisonLines, countsText, headLine, outcomeLine, WAIT_NAMES, waitRows } from './report.ts';
import type { Verdict } from './verdict.ts';

const STYLE = `
:root { color-scheme: light dark; --line: #8886; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th:first-child, th:last-child, td:first-child, td:last-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: currentColor; }
svg .grid { stroke: var(--line); fill: none; }
pre { white-space: pre-wrap; }
.verdict { font-weight: 600; }`;

/** Only its own style: no script, no picture, no request. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'`;

/** Gives the page; `at`: when the run was made. */
export function htmlText(
  results: readonly Result[],
  comparisons: readonly NamedComparison[],
  end: Verdict,
  settings: BenchSettings,
  at: Date,
): string {
  const curves = results.flatMap(({ figures, plan }) => {
    const [group] = figures.groups;
    if (group === undefined) return [];
    const name = peerText(plan.settings);
    const open = isOpenLoop(plan);
    const views = [{ name: open ? `${name}, from due` : name, histogram: group.fromDue }];
    return open ? [...views, { name: `${name}, closed loop`, histogram: group.closedLoop }] : views;
  });
  const compared = comparisons.length === 0 ? '' : `<pre>${escapeHtml(comparisonLines(comparisons).join('\n'))}</pre>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width"><title>heddle bench</title><style>${STYLE}</style></head><body>
<h1>heddle bench</h1><p>${at.toISOString()} · Node ${process.versions.node} · ${process.platform} ${process.arch}</p>
<p class="verdict">${escapeHtml(end.text)}</p>
<h2>Waits by percentile</h2>${percentilePicture(curves, escapeHtml)}
${results.map((result) => section(result, settings)).join('\n')}
${compared}
</body></html>
`;
}

function section(result: Result, settings: BenchSettings): string {
  const { outcomes, plan, summary } = result;
  const counts = countsText(summary.clients, isOpenLoop(plan)).replaceAll('   ', ' · ');
  const head = ['', ...WAIT_NAMES, 'ms'].map((name) => `<th>${name}</th>`).join('');
  const rows = waitRows(summary, plan, settings.late).map(([label, waits, note]) => row(label, waits, note));
  const checks = outcomes.map((outcome) => `<li>${escapeHtml(outcomeLine(outcome))}</li>`);
  return `<h2>${escapeHtml(peerText(plan.settings))}</h2><p>${escapeHtml(headLine(plan, settings))}</p><p>${counts}</p>
<table><tr>${head}</tr>${rows.join('')}</table>${checks.length === 0 ? '' : `<ul>${checks.join('')}</ul>`}`;
}

function row(label: string, waits: Waits, note: string): string {
  const cells = WAIT_NAMES.map((name) => `<td>${millisecondsText(waits[name])}</td>`);
  return `<tr><td>${label}</td>${cells.join('')}<td>${escapeHtml(note)}</td></tr>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
