/** Draws how waits are spread, as bars for a terminal. */

import type { Histogram } from '../../load/figures/histogram.ts';

const WIDTH = 50;
/** Where one bar ends and the next begins, in ms: three for each power of ten, from 10 µs to 17 minutes. */
const BOUNDS = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((digit) => (digit * 10 ** power) / 1000));
/** Eighths of a character. */
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A line for each range that has a wait in it, and those between; none if nothing was counted. */
export function plotLines(histogram: Histogram): string[] {
  const edges = [0, ...BOUNDS];
  const above = edges.map((bound) => (bound === 0 ? histogram.count : histogram.countAbove(bound)));
  const bars = edges.map((from, index) => ({ from, count: (above[index] ?? 0) - (above[index + 1] ?? 0) }));
  const first = bars.findIndex(({ count }) => count > 0);
  const last = bars.findLastIndex(({ count }) => count > 0);
  if (first < 0) return [];
  const most = Math.max(...bars.map(({ count }) => count));
  return bars.slice(first, last + 1).map(({ count, from }) => {
    const share = ((count * 100) / histogram.count).toFixed(2);
    return `${boundText(from).padStart(9)}  ${bar(count / most).padEnd(WIDTH)} ${share.padStart(6)} %`;
  });
}

function bar(share: number): string {
  const eighths = Math.round(share * WIDTH * 8);
  return share > 0 && eighths === 0 ? (PARTS[1] ?? '') : '█'.repeat(eighths >> 3) + (PARTS[eighths & 7] ?? '');
}

function boundText(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 1) return `${ms * 1000} µs`;
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
