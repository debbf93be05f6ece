import { expect, it } from 'vitest';
import { hgrmText } from '../../../src/cli/bench/hgrm.ts';
import { Histogram } from '../../../src/load/figures/histogram.ts';

it('writes percentiles as HdrHistogram does', () => {
  const histogram = new Histogram();
  for (const ms of [1, 1, 1, 1, 1, 1, 1, 2, 3, 40]) histogram.record(ms);
  const lines = hgrmText(histogram).split('\n');
  expect(lines.slice(0, 4)).toEqual([
    '       Value     Percentile TotalCount 1/(1-Percentile)',
    '',
    '       1.001 0.000000000000          7           1.00',
    '       1.001 0.100000000000          7           1.11',
  ]);
  expect(lines.slice(-6)).toEqual([
    '       3.002 0.900000000000          9          10.00',
    '      40.000 1.000000000000         10',
    '#[Mean    =        5.204, StdDeviation   =       11.626]',
    '#[Max     =       40.000, Total count    =           10]',
    '#[Buckets =           22, SubBuckets     =         1024]',
    '',
  ]);
});

it('writes a histogram with nothing in it', () => {
  expect(hgrmText(new Histogram())).toContain('Total count    =            0]');
});
