import { expect, it } from 'vitest';
import { percentilePicture } from '../../../src/cli/bench/percentile-picture.ts';
import { Histogram } from '../../../src/load/figures/histogram.ts';

it('draws a curve for each histogram, from the shortest wait at the left to the worst at the right', () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1000; ms++) histogram.record(ms);
  const svg = percentilePicture(
    [
      { name: '<a>', histogram },
      { name: 'empty', histogram: new Histogram() },
    ],
    () => 'name',
  );
  const [curve = ''] = [...svg.matchAll(/<path d="(M[^"]+)" fill="none"/g)].map(([, path]) => path);
  const points = curve
    .slice(1)
    .split('L')
    .map((point) => point.split(' ').map(Number));
  expect(points.at(0)?.[0]).toBe(70);
  expect(points.at(-1)).toEqual([860, 14]);
  for (const [index, [x = 0, y = 0]] of points.slice(1).entries()) {
    expect(x).toBeGreaterThan(points[index]?.[0] ?? 0);
    expect(y).toBeLessThanOrEqual(points[index]?.[1] ?? 0);
  }
  expect(svg).toContain('>p99</text>');
  expect(svg).not.toContain('<a>');
});
