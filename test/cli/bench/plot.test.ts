import { expect, it } from 'vitest';
import { plotLines } from '../../../src/cli/bench/plot.ts';
import { Histogram } from '../../../src/load/figures/histogram.ts';

it('has a bar for each range of time from the shortest wait to the longest', () => {
  const histogram = new Histogram();
  for (const [ms, times] of [
    [0.015, 100],
    [0.03, 50],
    [0.3, 1],
  ] as const)
    for (let count = 0; count < times; count++) histogram.record(ms);
  expect(plotLines(histogram)).toEqual([
    `    10 µs  ${'█'.repeat(50)}  66.23 %`,
    `    20 µs  ${'█'.repeat(25)}${' '.repeat(25)}  33.11 %`,
    `    50 µs  ${' '.repeat(50)}   0.00 %`,
    `   100 µs  ${' '.repeat(50)}   0.00 %`,
    `   200 µs  ▌${' '.repeat(49)}   0.66 %`,
  ]);
});

it('has no bar where nothing was counted', () => {
  expect(plotLines(new Histogram())).toEqual([]);
});
