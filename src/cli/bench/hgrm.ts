/** Writes percentiles as text in the form of HdrHistogram, which its plotter and other tools read. Values are in milliseconds. */

import { BITS, type Histogram, OCTAVES } from '../../load/figures/histogram.ts';

const HEAD = '       Value     Percentile TotalCount 1/(1-Percentile)\n\n';
/** So many lines for each half of what is left to 100 %, as HdrHistogram writes by default. */
const LINES_PER_HALF = 5;
const MICROSECOND = 0.001;

export function hgrmText(histogram: Histogram): string {
  const { count, worst } = histogram;
  const lines: string[] = [];
  for (const share of shares()) {
    const value = histogram.quantile(share);
    if (value === undefined || value === worst) break;
    // The value is the first one that is longer than all in its bucket.
    const upTo = count - histogram.countAbove(value - MICROSECOND / 2);
    lines.push(`${columns(value, share, upTo)} ${(1 / (1 - share)).toFixed(2).padStart(14)}\n`);
  }
  const { deviation, mean } = histogram.spread();
  const foot = [
    ['Mean    ', wide(mean), 'StdDeviation  ', wide(deviation)],
    ['Max     ', wide(worst), 'Total count   ', String(count).padStart(12)],
    ['Buckets ', String(OCTAVES).padStart(12), 'SubBuckets    ', String(2 ** BITS).padStart(12)],
  ].map(([name, value, other, second]) => `#[${name}= ${value}, ${other} = ${second}]\n`);
  return [HEAD, ...lines, `${columns(worst, 1, count)}\n`, ...foot].join('');
}

/** 0, and on in steps that become smaller with each half of what is left to 1. */
function* shares(): Generator<number> {
  for (let left = 1; ; left /= 2)
    for (let step = 0; step < LINES_PER_HALF; step++) yield 1 - left * (1 - step / (2 * LINES_PER_HALF));
}

function columns(value: number, share: number, upTo: number): string {
  return `${wide(value)} ${share.toFixed(12)} ${String(upTo).padStart(10)}`;
}

function wide(value: number): string {
  return value.toFixed(3).padStart(12);
}
