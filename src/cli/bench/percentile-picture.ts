/** Draws waits by percentile as an SVG picture: the further to the right, the rarer. */

import type { Histogram } from '../../load/figures/histogram.ts';

const [WIDTH, HEIGHT] = [880, 340] as const;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 20, 14, 40] as const;
/** So many points for each digit of a percentile. */
const STEPS = 20;
/** Colours that stay apart for the colour-blind, in light and in dark. */
const COLOURS = ['#0b84a5', '#d1495b', '#7a5195', '#ca8a04', '#2f9e6e', '#64748b'];

export interface Curve {
  readonly name: string;
  readonly histogram: Histogram;
}

interface Point {
  /** 0 for the median of nothing, 1 for p90, 2 for p99. */
  readonly nines: number;
  readonly ms: number;
}

/** Gives the picture as text; `escape`: makes a text safe in it. */
export function percentilePicture(curves: readonly Curve[], escape: (text: string) => string): string {
  const lines = curves.map(({ histogram }) => pointsOf(histogram));
  const points = lines.flat();
  const mostNines = Math.max(1, ...points.map(({ nines }) => nines));
  const decades = points.map(({ ms }) => Math.log10(ms));
  const [low, high] = [Math.floor(Math.min(-2, ...decades)), Math.ceil(Math.max(0, ...decades))];
  const x = (nines: number): number => LEFT + (nines / mostNines) * (WIDTH - LEFT - RIGHT);
  const y = (ms: number): number => TOP + ((high - Math.log10(ms)) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const paths = lines.map((line, index) => {
    const path = line
      .map(({ ms, nines }, at) => `${at === 0 ? 'M' : 'L'}${x(nines).toFixed(1)} ${y(ms).toFixed(1)}`)
      .join('');
    return `<path d="${path}" fill="none" stroke="${colour(index)}" stroke-width="2"/>`;
  });
  const legend = curves.map(
    ({ name }, index) =>
      `<text x="${LEFT + 12}" y="${TOP + 18 + index * 18}" style="fill:${colour(index)}">${escape(name)}</text>`,
  );
  const parts = [...horizontals(low, high, y), ...verticals(mostNines, x), ...paths, ...legend];
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Waits by percentile">${parts.join('')}</svg>`;
}

function colour(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '';
}

function pointsOf(histogram: Histogram): Point[] {
  const { count, worst } = histogram;
  if (count === 0) return [];
  const most = Math.log10(count);
  const points: Point[] = [];
  for (let step = 0; step / STEPS < most; step++) {
    const ms = histogram.quantile(1 - 10 ** (-step / STEPS));
    if (ms !== undefined) points.push({ nines: step / STEPS, ms: Math.max(ms, 0.001) });
  }
  return [...points, { nines: most, ms: Math.max(worst, 0.001) }];
}

function horizontals(low: number, high: number, y: (ms: number) => number): string[] {
  return Array.from({ length: high - low + 1 }, (_, index) => {
    const ms = 10 ** (low + index);
    const text = ms < 1 ? `${Math.round(ms * 1000)} µs` : ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
    return `<path class="grid" d="M${LEFT} ${y(ms)}H${WIDTH - RIGHT}"/><text x="${LEFT - 8}" y="${y(ms) + 4}" text-anchor="end">${text}</text>`;
  });
}

function verticals(mostNines: number, x: (nines: number) => number): string[] {
  const names = ['0', 'p90', 'p99', 'p99.9', 'p99.99', 'p99.999', 'p99.9999'].filter((_, nines) => nines <= mostNines);
  return names.map(
    (name, nines) =>
      `<path class="grid" d="M${x(nines)} ${TOP}V${HEIGHT - BOTTOM}"/><text x="${x(nines)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${name}</text>`,
  );
}
