import { expect, it } from 'vitest';
import { pairLines, tableLines } from '../../../src/cli/bench/columns.ts';
import type { BenchSettings } from '../../../src/cli/bench/bench-command-options.ts';
import type { Result } from '../../../src/cli/bench/measure.ts';
import { headLines, reportLines } from '../../../src/cli/bench/report.ts';

/** A target at `port`; each of its figures is a multiple of `unit`. */
function target(port: number, unit: number, path?: string): Result {
  const waits = { count: 1_000, p50: unit, p90: unit * 2, p99: unit * 3, 'p99.9': null, worst: unit * 5 };
  const clients = { asked: 5_000, rate: 5_000 / unit, wrong: 0, lost: unit - 1, closed: 0, fromDue: waits };
  const summary = { clients, beside: [{ fromDue: { p99: 200 } }], late: { p99: 0.05 }, cpu: unit / 100 };
  const settings = { host: '127.0.0.1', port, unix: path };
  const plan = { settings, groups: [{ clients: 64, rate: 5_000, expected: { kind: 'echo' } }] };
  const response = unit === 1 ? { count: 1_000, p99Ms: 0.4 } : undefined;
  return { summary, plan, response, outcomes: [], figures: { groups: [] } } as unknown as Result;
}

it('shows two targets side by side, with ratio, range and what that means', () => {
  const lines = pairLines(
    [target(4000, 1), target(4001, 2)],
    [
      { name: 'p50', ratio: 2, low: 1.9, high: 2.126, outcome: 'worse', isMiss: true },
      { name: 'rate', ratio: 0.5, low: 0.5, high: 0.5, outcome: 'worse', isMiss: true },
      { name: 'p90', ratio: 1.04, low: 0.99, high: 1.07, outcome: 'no difference', isMiss: false },
    ],
  );
  expect(lines.join('\n')).toBe(
    [
      '                127.0.0.1:4000  127.0.0.1:4001  ratio',
      'asked/s                  5,000           5,000',
      'answered/s               5,000           2,500  0.50  worse',
      'p50 ms                    1.00            2.00  2.00 (1.90–2.13)  worse',
      'p90                       2.00            4.00  1.04 (0.99–1.07)  no difference',
      'p99                       3.00            6.00',
      'p99.9                        –               –',
      'worst                     5.00            10.0',
      'CPU µs                    10.0            20.0',
      'response p99             0.400               –',
      'generator p99            0.050           0.050',
      'wrong                        0               0',
      'lost                         0               1',
      'closed                       0               0',
      'beside p99                 200             200',
    ].join('\n'),
  );
});

it('shows more targets in a row each, and the end of a long name', () => {
  const targets = [target(1, 1), target(2, 2), target(3, 4, '/run/some/where/far/away.sock')];
  expect(tableLines(targets).join('\n')).toBe(
    [
      '                          p50 ms         p99       worst  answered/s      CPU µs',
      '127.0.0.1:1                 1.00        3.00        5.00       5,000        10.0',
      '127.0.0.1:2                 2.00        6.00        10.0       2,500        20.0',
      '…where/far/away.sock        4.00        12.0        20.0       1,250        40.0',
    ].join('\n'),
  );
});

it('says once what is measured, and compares more than two targets below their table', () => {
  const settings = { duration: 10_000, warm: 0 } as BenchSettings;
  const targets = [target(1, 1), target(2, 1), target(3, 1)];
  const plans = targets.map(({ plan }) => plan);
  expect(headLines(plans, settings)).toEqual([
    '5,000 messages a second from 64 clients to 127.0.0.1:1 and 127.0.0.1:2 and 127.0.0.1:3 for 10s; each reply is checked: echo',
  ]);
  const figures = [{ name: 'p50', ratio: 1, low: 0.9, high: 1.1, outcome: 'no difference', isMiss: false }] as const;
  const comparisons = ['2', '3'].map((port) => ({ target: `:${port}`, base: ':1', figures }));
  const compared = (count: number): string[] =>
    reportLines(targets.slice(0, count), comparisons.slice(0, count - 1), settings).filter((line) =>
      /no difference|against/.test(line),
    );
  expect(compared(3)).toEqual([
    ':2 against :1:',
    '  p50    1.00 (0.90–1.10)    no difference',
    ':3 against :1:',
    '  p50    1.00 (0.90–1.10)    no difference',
  ]);
  expect(compared(2)).toEqual(['p50 ms                 1.00         1.00  1.00 (0.90–1.10)  no difference']);
});
